"""The description of a trained tagger: `tagger.json`, read without its weights. Nothing here loads torch."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from structkd.corpora.schemes import Metric, Scheme
from structkd.ground.faults import FileError
from structkd.ground.sealed import SealError, read_object, unsealed
from structkd.runtime.folder import is_exported
from structkd.tagger.config import TaggerConfig

FORMAT = 3
FILE = "tagger.json"


class CheckpointError(ValueError):
    """An unreadable checkpoint; the message names the file, what was found and what to do."""


class TaggerDescription(BaseModel):
    """The description of a trained tagger, without its vocabulary."""

    format: int
    weights_sha256: str
    config: TaggerConfig
    pretrained: dict[str, str]
    """The digest of each encoder that it uses, by name."""
    labels: tuple[str, ...]
    about: dict[str, Any]
    """The argument `about` of `save_tagger`."""


class Scored(BaseModel):
    """The metric and scheme of a tagger's scores in its training."""

    metric: Metric
    scheme: Scheme | None


D = TypeVar("D", bound=BaseModel)


def describe(folder: Path, kind: type[D]) -> D:
    """Read a tagger's description. Raises CheckpointError if it is missing, damaged or of another format."""
    path = folder / FILE
    if not path.is_file():
        advice = "; it holds an exported one: name the folder that it was exported from" if is_exported(folder) else ""
        raise CheckpointError(f"{folder}: holds no trained tagger (no {FILE}){advice}")
    try:
        stored = read_object(path)
        if stored.get("format", FORMAT) != FORMAT:
            raise CheckpointError(
                f"{path}: found format {stored['format']!r}, this version reads {FORMAT}; use the structkd that wrote "
                f"it, or {remedy(folder)}"
            )
        return validated(path, kind, unsealed(path, stored))
    except FileError as error:
        raise CheckpointError(str(error)) from error
    except SealError as error:
        raise CheckpointError(f"{error}; restore it from a copy, or {remedy(folder)}") from error


def scored(folder: Path) -> Scored:
    """Return the metric and scheme of a tagger's scores. Raises CheckpointError if they are missing or unreadable."""
    return validated(folder / FILE, Scored, describe(folder, TaggerDescription).about)


def validated(path: Path, kind: type[D], value: Any, advice: str | None = None) -> D:
    """Validate what was read from `path`. Raises CheckpointError, with the first keys that do not fit, and advice."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:3]]
        raise CheckpointError(f"{path}: found {'; '.join(faults)}; {advice or remedy(path.parent)}") from None


def remedy(folder: Path) -> str:
    """Return the advice how to make a tagger of a run again."""
    return f"delete the folder {folder}: the next run trains it again"
