"""Log lines: one line a record, as text or as JSON, structured fields kept, secrets hidden."""

import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO, cast

from workhorse.core.redaction import HIDDEN, Redaction
from workhorse.observe.plain import json_line, plain

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PASSWORD: Final = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_QUERY: Final = re.compile(r"([?&])([\w.-]+)=([^&\s]+)")

Form = Literal["text", "json"]


class LineFormatter(logging.Formatter):
    """What both forms have in common. `redaction` says which fields are secrets."""

    def __init__(self, redaction: Redaction | None = None) -> None:
        super().__init__()
        self._redaction = redaction or Redaction()

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What the call gave in `extra`, secrets hidden."""
        extra = {name: value for name, value in vars(record).items() if name not in _OWN}
        return cast(dict[str, Any], self._hidden(extra))

    def text_of(self, record: logging.LogRecord) -> str:
        """The message; a call whose arguments do not fit its text is shown, not lost."""
        try:
            return self.cleaned(record.getMessage())
        except Exception as error:
            return self.cleaned(f"{record.msg} (its arguments do not fit: {error})")

    def error_of(self, record: logging.LogRecord) -> str:
        """The traceback, if there is one."""
        if record.exc_info and record.exc_info[0] is not None:
            return self.cleaned(self.formatException(record.exc_info))
        return self.cleaned(record.exc_text or "")

    def cleaned(self, text: str) -> str:
        """Without the passwords and tokens of URLs."""
        return _QUERY.sub(self._query, _PASSWORD.sub(rf"\1:{HIDDEN}@", text))

    def _query(self, found: "re.Match[str]") -> str:
        mark, name, value = found.groups()
        return f"{mark}{name}={HIDDEN if self._redaction.hides(name) else value}"

    def _hidden(self, value: object) -> object:
        if isinstance(value, str):
            return self.cleaned(value)
        if not isinstance(value, Mapping):
            return value
        given = cast(Mapping[object, object], value)
        return {
            name: HIDDEN if self._redaction.hides(str(name)) else self._hidden(inner) for name, inner in given.items()
        }


class TextFormatter(LineFormatter):
    """`2030-01-02 03:04:05.678 WARNING workhorse: the message  job=... task=...`"""

    def format(self, record: logging.LogRecord) -> str:
        moment = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(record.created))}.{record.msecs:03.0f}"
        parts = [f"{moment} {record.levelname} {record.name}: {self.text_of(record)}"]
        parts += [f"{name}={value}" for name, value in self.fields(record).items()]
        if error := self.error_of(record):
            parts.append(error)
        return plain("  ".join([parts[0], " ".join(parts[1:])]).rstrip())


class JsonFormatter(LineFormatter):
    """One JSON object a line: time, level, logger, message, the fields, and `traceback` when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.text_of(record),
        }
        fields = self.fields(record)
        line |= {f"{name}_" if name in line else name: value for name, value in fields.items()}
        if error := self.error_of(record):
            line["traceback"] = error
        return json_line(line)


def configure(level: str, form: Form = "text", stream: TextIO | None = None) -> None:
    """Write all that is logged in this process from `level` on to `stream` (None: standard error).

    It takes the place of an earlier call; handlers of others stay.
    """
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each.formatter, LineFormatter)]:
        root.removeHandler(handler)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root.addHandler(handler)
    root.setLevel(level.upper())
