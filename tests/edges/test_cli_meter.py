"""Progress of long work: lines where there is no terminal, nothing that a hostile name could do to one."""

import pytest

from workhorse.cli import meter as meters
from workhorse.cli.meter import meter


def test_without_a_terminal_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meters, "EVERY", 0.0)
    with meter("files", 2000) as it:
        it.at(1000, "half way")
        it.at(1000, "half way")
        it.say("a \x1b[31mred\nword")
        it.at(2000)
    shown = capsys.readouterr().err.splitlines()
    assert shown == ["files: 1,000 of 2,000  half way", r"a \x1b[31mred\nword", "files: 2,000 of 2,000  "]
