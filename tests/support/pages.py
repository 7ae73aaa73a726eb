"""The pages of the documentation, cut into the blocks that can be run."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w/]+\.py)\b")
RAISES = re.compile(r"#\s+([A-Z]\w+)(?::\s+(.*))?$")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the line of the page it begins on."""

    kind: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that its first line names: `# shop.py`."""
        found = FILE.match(self.text)
        return found and found[1]

    @property
    def raises(self) -> tuple[str, str] | None:
        """The error its last line ends in, as the comment there says: a name, and a text with `...` for anything."""
        found = RAISES.search(self.text.rstrip().rpartition("\n")[2])
        return found and (found[1], found[2] or "...")


@dataclass(frozen=True)
class Command:
    """One line that begins with a prompt, as words, and what it is said to print."""

    words: list[str]
    output: str
    exit: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in FENCE.finditer(text)]


def commands(block: Block) -> Iterator[Command]:
    """Those of our own command; others (`git`, `make`, `pip`) are for the reader."""
    for part in re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        words = shlex.split(line.partition(" > ")[0], comments=True)
        if words[:1] == ["workhorse"]:
            said = re.search(r"# exit code (\d+)", line)
            yield Command(words[1:], output.strip("\n"), int(said[1]) if said else 0)
