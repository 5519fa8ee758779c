"""Changes to an experiment from the command line: `student.training.updates=200`."""

import json
import tomllib
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from structkd.pipeline.experiment.experiment import Experiment, load_experiment
from structkd.pipeline.experiment.parsing import ExperimentError, Values, merged


def load_changed(name: str | Path, settings: Sequence[str] | None) -> Experiment:
    """Return an experiment as `--set` changes it.

    Raises:
        ExperimentError: no such experiment, or a setting that it has not.
    """
    return load_experiment(name, parse_changes(settings or ()))


def load_if_named(name: str | None, settings: Sequence[str] | None) -> Experiment | None:
    """Return the experiment of an option `--experiment`, if it was given.

    Raises:
        ExperimentError: as above, or settings without an experiment that they could change.
    """
    if name:
        return load_changed(name, settings)
    if settings:
        raise ExperimentError(f"--set {settings[0]}: found no experiment that it could change; add --experiment NAME")
    return None


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
