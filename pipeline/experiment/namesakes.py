"""Experiment files of one name: the pieces of all stand in one folder, which remembers the files."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from structkd.ground.sealed import SealError, read_sealed, write_sealed
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.experiment.places import EXPERIMENTS, find

RECORD = "experiments.json"


def namesakes_note(name: str, folder: Path) -> str:
    """Return one line about other files of the folder's pieces that have other settings; empty if there are none.

    Args:
        name: of an experiment, as `load_experiment` takes it.
        folder: of its pieces.
    """
    mine = find(name, EXPERIMENTS, "experiment")
    others = [
        path for path in _known(folder) if not _same(path, mine) and _settings(path) not in (None, _settings(mine))
    ]
    if not others:
        return ""
    return (
        f"{folder} also contains pieces of {', '.join(map(str, others))}, with other settings than {mine}. Neither "
        'replaces the other\'s; to tell them apart, put a name of its own into one of the files: name = "..."'
    )


def remember(name: str, folder: Path) -> None:
    """Keep in a folder that it contains pieces of an experiment file. A read-only folder stays as it is."""
    mine, known = find(name, EXPERIMENTS, "experiment"), _known(folder)
    if not any(_same(path, mine) for path in known):
        with suppress(OSError):  # pieces that cannot be written say so themselves
            folder.mkdir(parents=True, exist_ok=True)
            write_sealed(folder / RECORD, {"files": [*map(str, known), str(mine)]})


def _known(folder: Path) -> list[Path]:
    try:
        return [Path(name) for name in read_sealed(folder / RECORD).get("files", [])]
    except (OSError, SealError):
        return []  # of a new folder; a damaged record is written again


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _settings(path: Path) -> dict[str, Any] | None:
    """Return the settings of a file; None if it is gone, or no experiment any more."""
    try:
        return load_experiment(path).model_dump(mode="json", exclude={"title"})
    except (ExperimentError, OSError):
        return None
