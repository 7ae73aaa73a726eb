"""Every await of a program, one fault at each: run k meets it before or after the effect of its k-th verb, for all k."""

from collections.abc import Iterator, Sequence

from simulation.nemesis import At, Fault, Peace
from simulation.program import Program
from simulation.run import Run, Verdict


def sweep(program: Program, faults: Sequence[Fault], seed: int = 1) -> Iterator[Verdict]:
    """The run without a fault first, then one for each point and fault. They have one seed: until its fault, each is the first."""
    peace = Peace()
    yield Run(seed, program, peace).go()
    for number, side in peace.met:
        for fault in faults:
            yield Run(seed, program, At(number, side, fault)).go()
