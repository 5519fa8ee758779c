"""The identity of a teacher from elsewhere, without loading it."""

from collections.abc import Sequence
from typing import Any

from structkd.ground.files import digest_file, digest_json
from structkd.tagger.config import TaggerConfig
from structkd.tagger.description import FILE, TaggerDescription, describe
from structkd.tagger.encoders.pretrained import pretrained_digest
from structkd.teachers.sources.config import (
    CheckpointConfig,
    HuggingFaceConfig,
    SourceConfig,
    SourceError,
    SourcesConfig,
)


def source_digest(config: SourceConfig, language: str, splits: Sequence[str]) -> str:
    """Return the SHA-256 of everything that a source's answers about a language's splits depend on.

    Raises:
        SourceError: a file that is missing.
        EncoderError: a Hugging Face model that is missing.
    """
    if isinstance(config, HuggingFaceConfig):
        return digest_json([_settings(config), pretrained_digest(config.model_of(language))])
    if isinstance(config, CheckpointConfig):
        files = [config.folder_of(language) / FILE]  # which has the digest of the weights
    else:
        files = [config.file(language, split) for split in splits]
    for file in files:
        if not file.is_file():
            raise SourceError(f"{file}: no such file; a source of kind {config.kind!r} needs it for {language}")
    return digest_json([_settings(config), *map(digest_file, files)])


def tagger_configs(config: SourcesConfig, language: str) -> list[TaggerConfig]:
    """Return the settings of those sources of a language that are taggers of this project.

    Raises:
        SourceError: no source serves the language.
        CheckpointError: a tagger that is missing or damaged.
    """
    checkpoints = [source for source in config.serving(language) if isinstance(source, CheckpointConfig)]
    return [describe(source.folder_of(language), TaggerDescription).config for source in checkpoints]


def _settings(config: SourceConfig) -> dict[str, Any]:
    """Return a source's settings; the identity for one language ignores the other languages that the source serves."""
    return config.model_dump(exclude={"languages"})
