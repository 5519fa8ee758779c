"""The temperature of a trained tagger: `calibration.json` beside `tagger.json`, with the digest of the tagger in it."""

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from structkd.ground.faults import FileError, explained
from structkd.ground.sealed import DIGEST, SealError, read_object, read_sealed, write_sealed
from structkd.tagger.description import FILE as DESCRIPTION
from structkd.tagger.description import CheckpointError, validated

FILE = "calibration.json"
_REMEDY = f"calibrate the tagger again: structkd calibrate; or delete {FILE}: its probabilities are then uncalibrated"


class _Calibration(BaseModel):
    model_config = ConfigDict(extra="forbid")
    tagger: str
    """The digest in the tagger's description."""
    temperature: float = Field(gt=0, allow_inf_nan=False)
    about: dict[str, Any]


def write_temperature(folder: Path, temperature: float, about: dict[str, Any]) -> None:
    """Keep a temperature with the tagger in `folder` (`about`: any JSON). Raises FileError."""
    found = _Calibration(tagger=_digest(folder), temperature=temperature, about=about)
    write_sealed(folder / FILE, found.model_dump(mode="json"))


def read_temperature(folder: Path) -> float:
    """Return the temperature of the tagger in `folder`; 1 if it is not calibrated.

    Raises:
        CheckpointError: a damaged file, or one of another tagger.
    """
    path = folder / FILE
    if not os.path.lexists(path):
        return 1.0
    try:
        found = validated(path, _Calibration, read_sealed(path), _REMEDY)
        expected = _digest(folder)
    except (FileError, SealError) as error:
        raise CheckpointError(f"{error}; {_REMEDY}") from error
    if found.tagger != expected:
        raise CheckpointError(f"{path}: is of the tagger {found.tagger}, found {expected}; {_REMEDY}")
    return found.temperature


def remove_temperature(folder: Path) -> None:
    """Remove the temperature of the tagger in `folder`, before another one takes its place."""
    path = folder / FILE
    if path.exists():
        with explained(path, "written"):
            path.unlink(missing_ok=True)


def _digest(folder: Path) -> str:
    """Return the digest of a tagger's description, which contains that of its weights."""
    return str(read_object(folder / DESCRIPTION).get(DIGEST))
