"""The schema's name in SQL: ours says `workhorse.`, whatever the schema in use is called. No search path: poolers mix them up."""

import re
from functools import cache
from typing import Final

_WORD: Final = re.compile(r"\bworkhorse\.")


@cache
def in_schema(sql: str, schema: str) -> str:
    """This text for that schema, whose name `urls` has checked."""
    return _WORD.sub(f'"{schema}".', sql)
