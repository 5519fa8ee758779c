"""A trained tagger on disk: `model.safetensors`, and `tagger.json` written last."""

from pathlib import Path
from typing import Any

from pydantic import ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from structkd.corpora.files import atomic_path, digest_file, write_json
from structkd.corpora.labels import LabelSet
from structkd.tagger.description import FILE, FORMAT, CheckpointError, TaggerDescription, describe
from structkd.tagger.encoders.pretrained import pretrained_digests
from structkd.tagger.model import Tagger
from structkd.tagger.vocabulary import Vocabulary

WEIGHTS = "model.safetensors"


class _Description(TaggerDescription):
    model_config = ConfigDict(extra="forbid")
    vocabulary: Vocabulary


def save_tagger(tagger: Tagger, folder: Path, about: dict[str, Any]) -> str:
    """Write a tagger and say what it is (`about`: any JSON). Returns the SHA-256 of its weights."""
    weights = folder / WEIGHTS
    with atomic_path(weights) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tagger.weights().items()}, temporary)
    digest = digest_file(weights)
    description = _Description(
        format=FORMAT,
        weights_sha256=digest,
        config=tagger.config,
        pretrained=pretrained_digests(tagger.config),
        labels=tagger.labels.names,
        vocabulary=tagger.vocabulary,
        about=about,
    )
    write_json(folder / FILE, description.model_dump(mode="json"))
    return digest


def load_tagger(folder: Path) -> Tagger:
    """Read a tagger, ready to predict.

    Raises:
        CheckpointError: it is missing, damaged, of another format, or stands on a pretrained encoder that has changed.
        EncoderError: a pretrained encoder that is not there.
    """
    description = describe(folder, _Description)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise CheckpointError(f"{weights}: missing, though {folder / 'tagger.json'} is there; train again")
    found = digest_file(weights)
    if found != description.weights_sha256:
        raise CheckpointError(
            f"{weights}: SHA-256 is {found}, tagger.json says {description.weights_sha256}; "
            "the file was changed or damaged: train again"
        )
    for name, found in pretrained_digests(description.config).items():
        if (expected := description.pretrained.get(name)) != found:
            raise CheckpointError(
                f"{folder}: was trained on {name} with digest {expected}, found {found}; "
                "put the encoder back that it was trained on, or train again"
            )
    tagger = Tagger(description.config, description.vocabulary, LabelSet(description.labels))
    try:
        tagger.set_weights(load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{weights}: does not fit the tagger that tagger.json describes: {error}") from error
    return tagger.eval()
