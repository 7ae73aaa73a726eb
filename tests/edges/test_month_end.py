"""The example of a month's end, which has a schedule, unique jobs, limits, order, a batch, follow-ups and a group: the same on every
engine, with another URL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homes import HOMES, home
from pages import ROOT

SAID = """\
booked ada [120, -20, 5] bob [80, 40, -60] eve [7, 7, 7]
on the shelf: November (ada: 105, bob: 60, eve: 21)
printed at once: 2
send to somewhere was tried 2 times
one page of three: True - ada after the last booking
indexed 9 in batches: True
the drawer was counted
"""


@pytest.mark.parametrize("kind", HOMES)
def test_a_month_ends_the_same_way_on_every_engine(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    environment = {**os.environ, "WORKHORSE_URL": home(request, kind)}
    command = [sys.executable, str(ROOT / "examples" / "month_end.py")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == (SAID, 0), done.stderr
