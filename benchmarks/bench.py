"""Ours beside its peers and the bare limit, on the same work, in one run. `scripts/bench --help` says how."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import environments
import flat
import machine
import ours
import snapshot
from plan import QUICK, Plan
from profiled import profile
from race import race
from registry import ENGINES, Engine, known
from report import listed, markdown

SAVED = environments.HERE / "bench.json"
PAGE = environments.HERE.parent / "docs" / "speed.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"

Save = Callable[[Any], None]


def peers(engine: Engine, plan: Plan, names: set[str], save: Save) -> None:
    race(engine.named(names), plan, save)


def limits(engine: Engine, plan: Plan, names: set[str], save: Save) -> None:
    told: dict[str, list[dict[str, float]]] = {variant: [] for variant in engine.limits}
    for _ in range(plan.rounds):
        for variant, limit in engine.limits.items():
            told[variant].append(limit(plan.jobs))
    save(told)


def busy(engine: Engine, plan: Plan, names: set[str], save: Save) -> None:
    save(ours.busy(engine.ours, plan))


def neighbours(engine: Engine, plan: Plan, names: set[str], save: Save) -> None:
    save(ours.neighbours(engine.ours, plan))


def flatness(engine: Engine, plan: Plan, names: set[str], save: Save) -> None:
    told = {"costs": flat.costs, "queues": flat.queues, "keyed": flat.keyed, "lifetime": flat.lifetime}
    save({what: measured(engine.ours, plan) for what, measured in told.items()})


def held(engine: Engine, plan: Plan, names: set[str], save: Save) -> None:
    save(snapshot.snapshot(engine.ours, plan))


PARTS = {"peers": peers, "limit": limits, "busy": busy, "neighbours": neighbours, "flat": flatness, "snapshot": held}


def measure(name: str, plan: Plan, parts: list[str], names: set[str], save: Save) -> None:
    """One engine, part by part; what there is so far is always saved. A part that fails says why, and the others go on."""
    engine = ENGINES[name]
    told: dict[str, Any] = {"machine": machine.facts(name), "plan": asdict(plan)}
    for part in engine.parts:
        if part not in parts:
            continue

        def save_part(what: Any, part: str = part) -> None:
            told[part] = what
            save(told)

        begun = time.monotonic()
        say(f"{engine.title}: {part}")
        try:
            PARTS[part](engine, plan, names, save_part)
        except Exception as error:
            say(f"{engine.title}: {part}: {error!r}")
            save_part({"failed": f"{type(error).__name__}: {error}"})
        say(f"{engine.title}: {part} took {time.monotonic() - begun:.0f} s")


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def read(out: Path) -> dict[str, Any]:
    """What was measured before, by engine."""
    told: dict[str, Any] = json.loads(out.read_text("utf-8")) if out.exists() else {}
    return told


def keep(out: Path, told: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def write_page(text: str) -> None:
    """Between the marks of docs/speed.md, if it has them."""
    page = PAGE.read_text("utf-8") if PAGE.exists() else ""
    if BEGIN in page and END in page:
        before, _, rest = page.partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{rest.partition(END)[2]}", "utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small numbers of everything, to see that it works (3 minutes an engine)"
    )
    parser.add_argument("--engines", default=",".join(ENGINES), help="some of %(default)s")
    parser.add_argument("--jobs", type=int, help="the backlog of a drain, the same for every peer (100,000)")
    parser.add_argument("--rounds", type=int, help="how often each peer has its turn (3 on SQLite, 2 on servers)")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of %(default)s")
    parser.add_argument("--peers", default="", help="their names, with semicolons between (all)")
    parser.add_argument(
        "--out", type=Path, help="where the figures go (benchmarks/bench.json; quick: .bench/quick.json)"
    )
    parser.add_argument(
        "--table", action="store_true", help="measure nothing: print what --out holds, and write docs/speed.md"
    )
    parser.add_argument("--list", action="store_true", help="measure nothing: who is measured, and how each is set")
    parser.add_argument(
        "--profile", action="store_true", help="measure nothing else: where the time of a drain of ours goes"
    )
    said = parser.parse_args()
    said.parts, said.engines = chosen(parser, said, "parts", PARTS), chosen(parser, said, "engines", ENGINES)
    return said


def chosen(parser: argparse.ArgumentParser, said: argparse.Namespace, option: str, known: Iterable[str]) -> list[str]:
    """The words of an option that takes several."""
    words = [word for word in getattr(said, option).split(",") if word]
    if unknown := [word for word in words if word not in known]:
        parser.error(f"--{option}: expected some of {', '.join(known)}, got {', '.join(unknown)}")
    return words


def measured(said: argparse.Namespace, out: Path) -> dict[str, Any]:
    """What --out holds, with the engines of this run measured anew."""
    numbers = {name: value for name in ("jobs", "rounds") if (value := getattr(said, name)) is not None}
    told, names = read(out), known(said.peers)
    for name in said.engines:

        def save(what: Any, name: str = name) -> None:
            told[name] = what
            keep(out, told)

        plan = replace(QUICK if said.quick else ENGINES[name].plan, **numbers)
        measure(name, plan, said.parts, names, save)
    return told


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the workers have sessions of their own: see to their end
    said = arguments()
    out: Path = said.out or (environments.HOME / "quick.json" if said.quick else SAVED)
    if said.profile:
        for name in said.engines:
            print(profile(ENGINES[name].ours, said.jobs or ENGINES[name].plan.jobs))
        return
    if said.list:
        print("\n\n".join(listed(ENGINES[name]) for name in said.engines))
        return
    text = markdown(read(out) if said.table else measured(said, out))
    print(text)
    if out == SAVED:
        write_page(text)


if __name__ == "__main__":
    main()
