"""What the folder of a trained tagger says of it: `tagger.json`, read without its weights. Nothing here loads torch."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from structkd.tagger.config import TaggerConfig

FORMAT = 2
FILE = "tagger.json"


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message names the file, what was found and what to do."""


class TaggerDescription(BaseModel):
    """A trained tagger, but for its vocabulary."""

    format: int
    weights_sha256: str
    config: TaggerConfig
    pretrained: dict[str, str]
    """The digest of each encoder that it stands on, by name."""
    labels: tuple[str, ...]
    about: dict[str, Any]
    """What `save_tagger` was told."""


D = TypeVar("D", bound=TaggerDescription)


def describe(folder: Path, kind: type[D]) -> D:
    """Read a tagger's description. Raises CheckpointError where it is missing, damaged or of another format."""
    path = folder / FILE
    if not path.is_file():
        raise CheckpointError(f"{folder}: holds no trained tagger (no {FILE})")
    try:
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict) and found.get("format", FORMAT) != FORMAT:
            raise CheckpointError(
                f"{path}: format {found['format']}, this version reads {FORMAT}; train again, or use the structkd "
                "that wrote it"
            )
        return kind.model_validate(found)
    except (UnicodeDecodeError, json.JSONDecodeError, ValidationError) as error:
        raise CheckpointError(f"{path}: damaged: {error}") from error
