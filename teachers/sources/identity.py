"""What a teacher from elsewhere is, by digest, found without loading it."""

from collections.abc import Sequence
from pathlib import Path

from corpora.files import digest_file, digest_json
from tagger.encoders.pretrained import pretrained_digest
from teachers.sources.config import CheckpointConfig, HuggingFaceConfig, SourceConfig, SourceError


def source_digest(config: SourceConfig, language: str, splits: Sequence[str]) -> str:
    """SHA-256 of all that a source says of a language's splits depends on.

    Raises:
        SourceError: a file that is missing.
        EncoderError: a Hugging Face model that is not there.
    """
    if isinstance(config, HuggingFaceConfig):
        model = config.model.format(language=language)
        return digest_json([config.model_dump(), pretrained_digest(model)])
    if isinstance(config, CheckpointConfig):
        files = [Path(config.folder.format(language=language)) / "tagger.json"]  # which has the digest of the weights
    else:
        files = [config.file(language, split) for split in splits]
    for file in files:
        if not file.is_file():
            raise SourceError(f"{file}: no such file; a source of kind {config.kind!r} needs it for {language}")
    return digest_json([config.model_dump(), *map(digest_file, files)])
