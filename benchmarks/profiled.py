"""Where the time of a drain goes: the loop's thread and the database's thread apart, by samples from outside (py-spy)."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import environments
from plan import Plan
from registry import OURS
from stage import Stage

CONCURRENCY = 100
TOP = 25
RATE = 500
"""Samples a second."""


def profile(plan: Plan) -> str:
    """The top of each thread, in words."""
    spy = environments.program("tools", "py-spy")
    with Stage(OURS) as stage:
        stage.empty()
        stage.enqueue("bulk", plan.jobs, 600)
        stage.keep()
        stage.again()
        stage.start(1, CONCURRENCY)
        stage.wait_for_jobs(1, 30)
        (worker,) = stage.groups
        stacks = stage.folder / "stacks"
        watch = subprocess.Popen(
            [spy, "record", "--pid", str(worker), "--rate", str(RATE), "--threads", "--format", "raw",
             "--output", stacks, "--duration", "3600"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        stage.wait_for_jobs(plan.jobs, 3600)
        stage.stop()  # then it writes down what it saw
        _, said = watch.communicate(timeout=60)
        if not stacks.exists():
            raise SystemExit(f"py-spy saw nothing: {said.decode(errors='replace')[-500:]}")
        return "\n".join(_thread(name, found) for name, found in _threads(stacks).items())


def _threads(stacks: Path) -> dict[str, list[tuple[list[str], int]]]:
    """Stacks and how often each was seen, by thread."""
    threads: dict[str, list[tuple[list[str], int]]] = {}
    for line in stacks.read_text("utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        threads.setdefault(re.sub(r"^thread \(\w+\): |/\S*/", "", thread), []).append((frames, int(count)))
    return threads


def _thread(name: str, stacks: list[tuple[list[str], int]]) -> str:
    total = sum(count for _, count in stacks)
    own, within = Counter[str](), Counter[str]()
    for frames, count in stacks:
        own[_short(frames[-1])] += count
        for function in {_short(frame) for frame in frames}:
            within[function] += count
    lines = [f"== {name}: {total} samples", f"{'own %':>8}{'in it %':>9}"]
    for function, count in own.most_common(TOP):
        lines.append(f"{count / total:>8.1%}{within[function] / total:>9.1%}  {function}")
    return "\n".join(lines) + "\n"


def _short(frame: str) -> str:
    """Function and file, without the line and the long part of the path."""
    return re.sub(r":\d+\)$", ")", re.sub(r"\((?:\S*/)?(?:site-packages|lib/python[\d.]+|src)/", "(", frame))
