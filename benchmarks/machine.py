"""Where and when it was measured: figures of two machines are not compared."""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import environments
from servers import SERVERS


def facts(engine: str) -> dict[str, object]:
    """Of the machine, its disk, and what runs on it."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **_server(engine),
        "sync_ms": _sync(),
        "commit": _commit(),
    }


def _server(engine: str) -> dict[str, str]:
    return dict(SERVERS[engine](environments.disk() / "nowhere").facts())


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text("utf-8")
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _sync() -> float:
    """Milliseconds that the disk takes to make 4 KiB durable."""
    times: list[float] = []
    with tempfile.TemporaryFile(dir=environments.disk()) as file:
        for _ in range(50):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begun) * 1e3)
    return round(statistics.median(times), 3)


def _commit() -> str:
    ask = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(ask, cwd=environments.HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
