"""Ours beside its peers and the bare limit, on the same work, in one run. `scripts/bench --help` says how."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import environments
import flat
import limit
import machine
import ours
from plan import FULL, QUICK, Plan
from profiled import profile
from race import race
from registry import named
from report import markdown

SAVED = environments.HERE / "bench.json"
PAGE = environments.HERE.parent / "docs" / "speed.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"

Save = Callable[[Any], None]


def peers(plan: Plan, names: str, save: Save) -> None:
    race(named(names), plan, save)


def limits(plan: Plan, names: str, save: Save) -> None:
    told: dict[str, list[dict[str, float]]] = {"full": [], "normal": []}
    for _ in range(plan.rounds):
        for synchronous, rounds in told.items():
            rounds.append(limit.limit(plan.jobs, synchronous))
    save(told)


def busy(plan: Plan, names: str, save: Save) -> None:
    save(ours.busy(plan))


def neighbours(plan: Plan, names: str, save: Save) -> None:
    save(ours.neighbours(plan))


def flatness(plan: Plan, names: str, save: Save) -> None:
    save({"costs": flat.costs(plan), "queues": flat.queues(plan), "lifetime": flat.lifetime(plan)})


PARTS = {"peers": peers, "limit": limits, "busy": busy, "neighbours": neighbours, "flat": flatness}


def measure(plan: Plan, parts: list[str], names: str, out: Path) -> dict[str, Any]:
    """Part by part; what there is so far is always on disk."""
    told: dict[str, Any] = {"machine": machine.facts(), "plan": asdict(plan)}
    for part in parts:

        def save(what: Any, part: str = part) -> None:
            told[part] = what
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")

        begun = time.monotonic()
        print(f"bench: {part}", file=sys.stderr, flush=True)
        PARTS[part](plan, names, save)
        print(f"bench: {part} took {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return told


def write_page(text: str) -> None:
    """Between the marks of docs/speed.md, if it has them."""
    page = PAGE.read_text("utf-8") if PAGE.exists() else ""
    if BEGIN in page and END in page:
        before, _, rest = page.partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}", "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small numbers of everything, to see that it works (3 minutes)"
    )
    parser.add_argument("--jobs", type=int, help="the backlog of a drain, the same for every peer (100,000)")
    parser.add_argument("--rounds", type=int, help="how often each peer has its turn (3)")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of %(default)s")
    parser.add_argument("--peers", default="", help="their names, with semicolons between (all)")
    parser.add_argument(
        "--out", type=Path, help="where the figures go (benchmarks/bench.json; quick: .bench/quick.json)"
    )
    parser.add_argument(
        "--table", action="store_true", help="measure nothing: print what --out holds, and write docs/speed.md"
    )
    parser.add_argument(
        "--profile", action="store_true", help="measure nothing else: where the time of a drain of ours goes"
    )
    said = parser.parse_args()
    said.parts = [part for part in said.parts.split(",") if part]
    if unknown := [part for part in said.parts if part not in PARTS]:
        parser.error(f"--parts: expected some of {', '.join(PARTS)}, got {', '.join(unknown)}")
    return said


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the workers have sessions of their own: see to their end
    said = arguments()
    chosen = {name: value for name in ("jobs", "rounds") if (value := getattr(said, name)) is not None}
    plan = replace(QUICK if said.quick else FULL, **chosen)
    out: Path = said.out or (environments.HOME / "quick.json" if said.quick else SAVED)
    if said.profile:
        print(profile(plan))
        return
    told = json.loads(out.read_text("utf-8")) if said.table else measure(plan, said.parts, said.peers, out)
    text = markdown(told)
    print(text)
    if out == SAVED:
        write_page(text)


if __name__ == "__main__":
    main()
