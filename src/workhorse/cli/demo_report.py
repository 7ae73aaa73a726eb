"""What the demo says at its end: the table, and the three commands to look around with."""

import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from workhorse.cli.demo_account import Account
from workhorse.cli.demo_crew import APP
from workhorse.cli.demo_watch import Kill
from workhorse.cli.terminal import Terminal

SHOWN: Final = 8
"""Dead letters and lost files that are named; the rest are counted."""


def document(account: Account, kill: Kill | None, seconds: float) -> dict[str, Any]:
    """The report for programs."""
    return {
        "files": account.files, "done": account.done,
        "dead": [{"id": it.id, "file": it.file, "reason": it.reason} for it in account.dead],
        "seconds": round(seconds, 3), "jobs_per_second": round(account.files / seconds, 1),
        "killed": kill and {
            "pid": kill.pid, "at": kill.done, "held": len(kill.held), "recovered": len(kill.recovered),
            "due_after": sorted(round(each, 2) for each in kill.due.values()),
            "recovered_after": sorted(round(each, 2) for each in kill.recovered.values()),
        },
        "lost": account.lost, "wrong": account.wrong,
        "bytes": account.size, "lines": account.lines, "tokens": account.tokens,
    }  # fmt: skip


def table(out: Terminal, account: Account, kill: Kill | None, seconds: float) -> None:
    """The report for people."""
    rows: list[tuple[str, str]] = [
        ("files", f"{account.files:,}"),
        ("done", f"{account.done:,}"),
        ("dead", f"{len(account.dead):,}"),
        *(("", f"{Path(it.file).name}: {it.reason}") for it in account.dead[:SHOWN]),
        *_others(account),
        ("speed", f"{account.files / seconds:,.0f} jobs/s, {seconds:.1f} s in all"),
        *_killed(kill),
        ("lost", f"{len(account.lost)} (each file was looked up, and read again)"),
        *(("", file) for file in account.lost[:SHOWN]),
        *(
            [("wrong", f"{len(account.wrong)} results are not their file's: {account.wrong[0]}")]
            if account.wrong
            else []
        ),
        ("totals", f"{account.size / 1e6:,.1f} MB, {account.lines:,} lines, {account.tokens:,} tokens"),
    ]
    for name, text in rows:
        out.say(f"{name:<10} {text}")


def commands(url: str, account: Account) -> list[str]:
    """To be pasted: the dead letters, one of the jobs, the queues."""
    before = f"WORKHORSE_URL={shlex.quote(url)} {_workhorse()}"
    one = account.dead[0].id if account.dead else ""
    look = f"{before} dead {APP} show {one}" if one else f"{before} jobs {APP} --status succeeded --limit 10"
    return [f"{before} dead {APP}", look, f"{before} queues {APP}"]


def _killed(kill: Kill | None) -> list[tuple[str, str]]:
    if kill is None:
        return []
    rows = [("killed", f"worker {kill.pid}, after {kill.done:,} files; it held {len(kill.held)} jobs")]
    if kill.held:
        rows.append(("due again", f"{len(kill.due)} of {len(kill.held)}, {_range(kill.due.values())} after the kill"))
        taken = f"{len(kill.recovered)} of {len(kill.held)}, {_range(kill.recovered.values())} after the kill"
        queued = max(kill.recovered.values(), default=0) - max(kill.due.values(), default=0) > 1
        rows.append(("recovered", taken + ", in turn: behind what was due before them" * queued))
    return rows


def _range(moments: Iterable[float]) -> str:
    first, *others = sorted(moments) or [0.0]
    return f"{first:.1f} to {others[-1]:.1f} s" if others else f"{first:.1f} s"


def _others(account: Account) -> list[tuple[str, str]]:
    rest = account.dead[SHOWN:]
    kinds = Counter(it.reason.partition(":")[0] for it in rest)
    return [("", "and " + ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common(5)))] if rest else []


def _workhorse() -> str:
    """The command as it can be typed here."""
    own = Path(sys.argv[0]).resolve()
    found = shutil.which("workhorse")
    if found and Path(found).resolve() == own:
        return "workhorse"
    if own.name == "workhorse" and own.is_file():
        return shlex.quote(str(own))
    return f"{shlex.quote(sys.executable)} -m workhorse"
