"""The bare limit of each engine: a plain client, one connection, and what a queue cannot do without; nothing is decoded, nothing runs."""

BATCH = 500
"""Jobs of one claim."""
