"""The ledger: real processes work while they are killed, frozen and deceived; all write down what they see, and the judge counts."""

import os

LEASE = float(os.environ.get("LEDGER_LEASE", "1.5"))
"""Seconds, of all workers of a run."""

KEPT = 7 * 86_400
"""Seconds for which rows stay: a clock that jumps by an hour must not take them away before they are judged."""
