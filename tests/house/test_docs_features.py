"""The table of features by engine is what the engines say, and every feature stands in it."""

import msgspec

from feature_table import table
from pages import ROOT
from workhorse.cli.abilities import ABILITIES, told
from workhorse.engine import Features
from workhorse.engines.keeping import Policy
from workhorse.engines.promises import everything


def test_the_table_of_features_is_what_the_engines_say() -> None:
    page = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert table() in page, f"put this into docs/features.md:\n{table()}"


def test_every_feature_is_told() -> None:
    fields = [field.name for field in msgspec.structs.fields(Features)]
    assert sorted(ability.field for ability in ABILITIES) == sorted(fields)


def test_what_an_engine_lacks_is_told_with_what_that_means() -> None:
    poor = msgspec.structs.replace(
        everything(Policy(0)), transactions=False, lanes=False, unique=False, priorities=1, max_delay=900.0, fenced=False,
        counts_crashes=False, inspectable=False, statements=False,
    )  # fmt: skip
    lacks = {each.about for each in told(poor) if each.without}
    assert lacks == {ability.about for ability in ABILITIES if ability.field != "max_size"}
    assert not [each for each in told(everything(Policy())) if each.without]
