"""What was measured, as Markdown: medians, with the lowest and the highest of the rounds; and ours against each."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import environments
from registry import ENGINES, Engine

OURS = "workhorse"
ENDS = {"insert": "insert", "delete": "claim and delete", "update": "claim and keep as ended"}
RATES = {
    "single": "one at a time", "bulk": "in bulk", "callers": "100 callers", "drain_1": "drain, 1 process",
    "drain_2": "drain, 2 processes",
}  # fmt: skip
REST: dict[str, tuple[str, str]] = {
    "p50 ms": ("latency", "p50_ms"), "p99 ms": ("latency", "p99_ms"), "memory MiB": ("drain_1", "memory_mib"),
    "processor µs a job": ("drain_1", "processor_us_a_job"), "of the server": ("drain_1", "server_us_a_job"),
    "idle, % of a core": ("latency", "idle_processor_percent"), "of the server idle": ("latency", "idle_server_percent"),
}  # fmt: skip


def markdown(told: Mapping[str, Any]) -> str:
    """All engines and parts that are there."""
    parts = [part for name, engine in ENGINES.items() if name in told for part in _engine(engine.title, told[name])]
    return "\n\n".join(parts) + "\n"


def listed(engine: Engine) -> str:
    """Who is measured on it."""
    rows = [
        [
            peer.name,
            environments.pinned(peer.environment, peer.package),
            peer.module,
            " ".join(map(str, peer.concurrency)),
            peer.promises,
        ]
        for peer in engine.peers
    ]
    return f"### On {engine.title}\n\n" + _table(["", "version", "adapter", "jobs at once, tried", "a crash"], rows)


def _engine(title: str, told: Mapping[str, Any]) -> Iterator[str]:
    yield f"### On {title}\n\n{_head(told)}"
    for name, write in _PARTS.items():
        if "failed" in told.get(name, {}):
            yield f"{name} failed: {_last_line(told[name])}"
        elif told.get(name):
            yield write(told[name])
    if told.get("limit", {}).keys() - {"failed"} and OURS in told.get("peers", {}):
        yield _shares(told["peers"], told["limit"])


def _head(told: Mapping[str, Any]) -> str:
    machine = told["machine"]
    return (
        f"{machine['date']}, commit {machine['commit']}: {machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; {machine['server']}; the disk makes 4 KiB durable in {machine['sync_ms']} ms; "
        f"load before it {machine['load_before']}. "
        f"Backlog {told['plan']['jobs']:,} jobs, {told['plan']['rounds']} rounds; the median (lowest to highest)."
    )


def _peers(peers: Mapping[str, Any]) -> str:
    parts = [
        "#### Jobs a second",
        _table(
            ["", "version", *RATES.values()],
            [[_name(name, told, peers), told["version"], *_rates(told)] for name, told in peers.items()],
        ),
        "cut: the queue was not empty when the time for a drain was over; it is the rate until then.",
        "#### What a job costs",
        _table(
            ["", "jobs at once", *REST, "bytes a waiting job"],
            [
                [name, told.get("concurrency", "-"), *_rest(told), _number_or_dash(told.get("bytes_a_job"))]
                for name, told in peers.items()
            ],
        ),
        "#### What is promised",
        _table(
            ["", "a crash", "in bulk"],
            [[name, told["promises"], told["bulk_api"] or "100 callers"] for name, told in peers.items()],
        ),
    ]
    if OURS in peers and len(peers) > 1:
        parts[3:3] = ["#### Ours against each: how many times as fast", _ratios(peers)]
    failed = [f"{name} failed: {_last_line(told)}" for name, told in peers.items() if "failed" in told]
    return "\n\n".join([*parts, *failed])


def _rates(told: Mapping[str, Any]) -> list[str]:
    return [_spread(_of(told, part, "rate")) + _mark(told, part) for part in RATES]


def _mark(told: Mapping[str, Any], part: str) -> str:
    return " cut" if any(one[part].get("cut_short") for one in told["rounds"] if part in one) else ""


def _rest(told: Mapping[str, Any]) -> list[str]:
    return [_middle(_of(told, part, what)) for part, what in REST.values()]


def _ratios(peers: Mapping[str, Any]) -> str:
    ours = peers[OURS]
    rows = [
        [name, *(_ratio(_of(ours, part, "rate"), _of(told, part, "rate")) for part in RATES)]
        for name, told in peers.items()
        if told is not ours
    ]
    return _table([f"{OURS} against", *RATES.values()], rows)


def _limit(limits: Mapping[str, Any]) -> str:
    rows = [[variant, *(_spread(_limits(limits, variant, what)) for what in ENDS)] for variant in limits]
    return "#### The bare limit: a plain client, one connection, jobs a second\n\n" + _table(["", *ENDS.values()], rows)


def _shares(peers: Mapping[str, Any], limits: Mapping[str, Any]) -> str:
    rows: list[list[str]] = []
    for name, told in peers.items():
        if told.get("limit") and told["rounds"]:
            variant, end = told["limit"]
            pairs = (("bulk", "insert"), ("drain_1", end), ("drain_2", end))
            rows.append(
                [name, *(_ratio(_of(told, part, "rate"), _limits(limits, variant, what)) for part, what in pairs)]
            )
    return "#### Ours as a part of the bare limit\n\n" + _table(
        ["", "in bulk", "drain, 1 process", "drain, 2 processes"], rows
    )


def _busy(told: Mapping[str, Any]) -> str:
    rows = [[name.replace("processes_", ""), _spread(rates)] for name, rates in told.items()]
    return "#### Tasks that hold the loop for 1 ms\n\n" + _table(["processes", "jobs a second"], rows)


def _neighbours(told: Mapping[str, Any]) -> str:
    rows = [
        [what, one["samples"], *(f"{one[f'{q}_ms']:.3g}" for q in ("p50", "p99", "worst"))]
        for what, one in told.items()
    ]
    head = ["beside three busy workers", "samples", "p50 ms", "p99 ms", "worst ms"]
    return "#### Neighbours\n\n" + _table(head, rows)


def _flat(told: Mapping[str, Any]) -> str:
    rows = [[what, f"{cost:.3g}"] for part in ("costs", "queues", "keyed") for what, cost in told.get(part, {}).items()]
    lives = [[f"{one['jobs']:,}", f"{one['memory_mib']:.3g}", _number(one["rate"])] for one in told["lifetime"]]
    return "\n\n".join([
        "#### Flatness: claim and settle",
        _table(["in the database", "µs a job"], rows),
        "#### One worker's life",
        _table(["jobs so far", "memory MiB", "jobs a second, enqueued and run"], lives),
    ])  # fmt: skip


def _snapshot(told: Mapping[str, Any]) -> str:
    rows = [[when, f"{cost:.3g}"] for when, cost in told.items()]
    return "#### A stranger's transaction held open: claim and settle\n\n" + _table(["", "µs a job"], rows)


_PARTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "peers": _peers, "limit": _limit, "busy": _busy, "neighbours": _neighbours, "flat": _flat, "snapshot": _snapshot,
}  # fmt: skip


def _of(told: Mapping[str, Any], part: str, what: str) -> list[float]:
    return [one[part][what] for one in told["rounds"] if what in one.get(part, ())]


def _limits(limits: Mapping[str, Any], variant: str, what: str) -> list[float]:
    return [one[what] for one in limits.get(variant, ()) if what in one]


def _last_line(told: Mapping[str, Any]) -> str:
    return str(told["failed"]).strip().splitlines()[-1]


def _name(name: str, told: Mapping[str, Any], peers: Mapping[str, Any]) -> str:
    """With its own backlog, where that is a smaller one."""
    jobs = told.get("jobs", 0)
    return f"{name} ({jobs:,} jobs)" if jobs < max(other.get("jobs", 0) for other in peers.values()) else name


def _number_or_dash(value: float | None) -> str:
    return "-" if value is None else _number(value)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{statistics.median(ours) / statistics.median(theirs):.2f}" if ours and theirs else "-"


def _middle(values: Sequence[float]) -> str:
    return _number(statistics.median(values)) if values else "-"


def _spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return _middle(values)
    return f"{_middle(values)} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Without columns that say nothing of anybody."""
    lines = [list(map(str, line)) for line in rows]
    kept = [at for at, title in enumerate(head) if not title or {line[at] for line in lines} - {"-", "0"}]
    lines = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(line[at] for at in kept)} |" for line in lines)
