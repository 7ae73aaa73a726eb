"""One run again, told aloud: `python -m simulation --seed 7`; or many in a row, of which only those that went wrong are told."""

import argparse
import sys
import time
from collections import Counter

from simulation.nemesis import named
from simulation.program import FIXED
from simulation.run import Run


def main() -> int:
    """The exit code: 1 when the account found something wrong."""
    parser = argparse.ArgumentParser(prog="simulate", description="Run the simulation from a seed, and tell its story.")
    parser.add_argument("--seed", type=int, default=1, help="the first, or only one")
    parser.add_argument("--runs", type=int, default=1, help="how many seeds in a row; only failures are told")
    parser.add_argument("--program", choices=FIXED, help="a fixed program, with one fault")
    parser.add_argument("--fault", default="none", help="of a fixed program: FAULT:CALL:before or FAULT:CALL:after")
    said = parser.parse_args()
    if said.runs > 1:
        return many(range(said.seed, said.seed + said.runs))
    fixed = (FIXED[said.program](), named(said.fault)) if said.program else ()
    verdict = Run(said.seed, *fixed).go()
    print(verdict.history)
    print(f"\n{verdict.calls} verbs, faults: {verdict.faults}")
    print("\n".join(verdict.wrong) or "nothing is wrong")
    return bool(verdict.wrong)


def many(seeds: range) -> int:
    """Their failures, and what they went through."""
    began, wrong, calls, faults = time.perf_counter(), 0, 0, Counter[str]()
    for seed in seeds:
        verdict = Run(seed).go()
        calls += verdict.calls
        faults.update(verdict.faults)
        if verdict.wrong:
            wrong += 1
            print(verdict, flush=True)
    took = time.perf_counter() - began
    print(f"{len(seeds)} runs, {calls} verbs, {wrong} wrong, {took:.1f} s; faults: {dict(sorted(faults.items()))}")
    return bool(wrong)


sys.exit(main())
