"""Sagas as values and as code sees them: steps, the journal, the saga from inside and from outside. No I/O."""
