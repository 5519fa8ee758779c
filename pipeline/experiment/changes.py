"""Changes to an experiment from the command line: `student.training.updates=200`."""

import json
import tomllib
from collections.abc import Sequence
from functools import reduce

from structkd.pipeline.experiment.parsing import ExperimentError, Values, merged


def parse_changes(settings: Sequence[str]) -> Values:
    """Return the settings as nested tables; of settings with the same key, the last counts.

    A value is written as in TOML; what is no TOML value is text, so quotes may be left out.

    Raises:
        ExperimentError: no `KEY=VALUE`.
    """
    tables: Values = {}
    return reduce(merged, map(_parse, settings), tables)


def _parse(setting: str) -> Values:
    key, equals, value = (part.strip() for part in setting.partition("="))
    if equals:
        for written in (value, json.dumps(value)):
            try:
                found = tomllib.loads(f"{key} = {written}")
            except tomllib.TOMLDecodeError:
                continue
            if len(found) == 1:  # a line feed in a value cannot smuggle in another setting
                return found
    raise ExperimentError(
        f"--set {setting}: expected KEY=VALUE, where KEY is a setting's name in the file with its tables before it, "
        "such as --set student.training.updates=200"
    )
