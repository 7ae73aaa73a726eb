"""Real processes by the hundred: each is forked from one that has imported everything already, and begins within milliseconds."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

BORN, STOPPED, ENDED = "born", "stopped", "ended"


class Forge:
    """A process that forks others, one at a time; it has imported what its program imports, and runs none of it itself."""

    def __init__(self, log: Path, *program: str) -> None:
        self.log: Final = log
        with log.open("w") as errors:
            command = [sys.executable, *program]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def fork(self, environment: Mapping[str, str], *words: str) -> int:
        """One more process, with these beside the forge's own environment; its id. Wait for it before the next."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([dict(environment), words]) + "\n")
        self._process.stdin.flush()
        return self._heard(BORN)

    def stopped(self) -> bool:
        """Return when the process stands still, or, False, has ended well before it came to that."""
        word, number = self._hear()
        assert (word, number) != (ENDED, 1), self.log.read_text()
        return word == STOPPED

    def ended(self) -> int:
        """What the process ended with, once it has; negative: the signal that ended it."""
        return self._heard(ENDED)

    def close(self) -> None:
        """End it. Its child has ended, or is ended by who froze it."""
        self._process.communicate()

    def _heard(self, expected: str) -> int:
        word, number = self._hear()
        assert word == expected, f"expected that it is {expected}, got {word!r} {number}\n{self.log.read_text()}"
        return number

    def _hear(self) -> tuple[str, int]:
        assert self._process.stdout is not None
        word, _, number = self._process.stdout.readline().partition(" ")
        assert number, f"the forge is gone\n{self.log.read_text()}"
        return word, int(number)


def serve(run: Callable[..., object]) -> None:
    """Be a forge: for each line that comes a child calls `run` with its words."""
    for line in sys.stdin:
        environment, words = json.loads(line)
        child = os.fork()
        if child == 0:
            _be_born(environment, words, run)
        _say(BORN, child)
        _follow(child)


def _be_born(environment: Mapping[str, str], words: list[str], run: Callable[..., object]) -> None:
    code = 1
    try:
        os.dup2(2, 1)
        os.environ.update(environment)
        run(*words)
        code = 0
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _follow(child: int) -> None:
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            _say(ENDED, os.waitstatus_to_exitcode(status))
            return
        _say(STOPPED, child)


def _say(word: str, number: int) -> None:
    print(word, number, flush=True)
