"""The demo's one task: a file's size, SHA-256, lines and tokens. What cannot be read as Python is a dead letter."""

import hashlib
import io
import os
import sysconfig
import tokenize
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from workhorse.app import Workhorse
from workhorse.core.retry import Retry

TASK: Final = "measure"
DAY: Final = 86_400.0
BROKEN: Final = "broken.py"
BROKEN_TEXT: Final = 'def unfinished(:\n    return """there is no end to this text\n'
LEFT_OUT: Final = frozenset({"__pycache__"})
INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_URI: Final = "file://"


class Measured(msgspec.Struct, frozen=True):
    """What is known of one file."""

    size: int
    sha256: str
    lines: int
    tokens: int


def measure(path: str) -> Measured:
    """Read one file; SyntaxError and the like where it is no Python."""
    data = Path(path_of(path)).read_bytes()
    tokens = sum(1 for _ in tokenize.tokenize(io.BytesIO(data).readline))
    return Measured(len(data), hashlib.sha256(data).hexdigest(), data.count(b"\n"), tokens)


def build(url: str | None = None) -> Workhorse:
    """The demo's app on this URL, else on $WORKHORSE_URL; its jobs and results are kept for a day."""
    app = Workhorse(url, name="demo", retain=DAY, retry=Retry(0), result_ttl=DAY, timeout=60)
    app.task(measure)
    return app


def source_of_python() -> list[str]:
    """The files of Python's own standard library, without what was installed beside it."""
    folder = Path(sysconfig.get_path("stdlib"))
    return sorted(name_of(path) for path in _walk(folder, {*LEFT_OUT, *INSTALLED}) if path.suffix == ".py")


def files_of(folder: Path) -> list[str]:
    """Every file below the folder, but for hidden and compiled ones' folders."""
    return sorted(name_of(path) for path in _walk(folder, LEFT_OUT))


def name_of(path: Path) -> str:
    """The file's name as text that can travel: its path, or, where that is not Unicode, its URI."""
    text = os.fspath(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return path.as_uri()
    return text


def path_of(name: str) -> str:
    """The path that `name_of` made a name of."""
    return os.fsdecode(unquote_to_bytes(name.removeprefix(_URI))) if name.startswith(_URI) else name


def _walk(folder: Path, left_out: Collection[str]) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in left_out and not each.startswith(".")]
        for name in names:
            path = Path(here, name)
            if path.is_file():
                yield path
