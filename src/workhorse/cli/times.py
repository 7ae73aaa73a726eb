"""Moments and durations as people and programs read them."""

from datetime import UTC, datetime


def iso(moment: float | None) -> str | None:
    """Seconds since the epoch as `2030-01-02T03:04:05.678+00:00`."""
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return str(moment)


def span(seconds: float) -> str:
    """`0.4 s`, `12 s`, `5 min`, `3.2 h`, `4.0 d`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} d"


def from_now(moment: float, now: float) -> str:
    """`in 5 min`, or `5 min ago`."""
    return f"in {span(moment - now)}" if moment > now else f"{span(now - moment)} ago"
