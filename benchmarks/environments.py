"""The peers' virtual environments, in .bench at the top of the project: made when missing, made anew when their pins change."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".bench"


def disk() -> Path:
    """Where databases are made: a real disk, beside the project, not a temporary folder that may be memory."""
    folder = HOME / "data"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def python(environment: str) -> str:
    """The interpreter that has what requirements/ENVIRONMENT.txt pins; the empty name is this one."""
    if not environment:
        return sys.executable
    return str(program(environment, "python"))


def program(environment: str, name: str) -> Path:
    """A program of it, installed first if need be."""
    folder, pins = HOME / environment, (HERE / "requirements" / f"{environment}.txt").read_text("utf-8")
    stamp = folder / "pins.txt"
    if not stamp.exists() or stamp.read_text("utf-8") != pins:
        print(
            f"bench: installing {', '.join(pins.split())} into {folder} (this time only)", file=sys.stderr, flush=True
        )
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", HERE / "requirements" / f"{environment}.txt"], check=True)
        stamp.write_text(pins, "utf-8")
    return folder / "bin" / name


def pinned(environment: str, package: str) -> str:
    """The version that the requirements say; nothing is installed for it."""
    if not environment:
        return "this one"
    lines = (HERE / "requirements" / f"{environment}.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==", 1) for line in lines)
    return pins[package]


def version(environment: str, package: str) -> str:
    """What is installed there."""
    ask = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    done = subprocess.run([python(environment), "-c", ask, package], capture_output=True, text=True, check=True)
    return done.stdout.strip()
