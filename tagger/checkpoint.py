"""A trained tagger on disk: `model.safetensors`, and `tagger.json`, written last. Each contains the other's digest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import CorpusError
from structkd.ground.faults import FileError
from structkd.ground.files import atomic_path, digest_bytes, digest_file, digest_json, read_regular
from structkd.ground.sealed import write_sealed
from structkd.tagger.calibration import remove_temperature
from structkd.tagger.description import FILE, FORMAT, CheckpointError, TaggerDescription, describe, remedy
from structkd.tagger.encoders.pretrained import pretrained_digests
from structkd.tagger.model import Tagger
from structkd.tagger.vocabulary import Vocabulary

WEIGHTS = "model.safetensors"
_TAGGER = "tagger"  # of the weights' metadata: the digest of what they are weights of


class _Description(TaggerDescription):
    model_config = ConfigDict(extra="forbid")
    vocabulary: Vocabulary

    @property
    def tagger(self) -> str:
        """Digest of everything except the weights."""
        return digest_json(self.model_dump(mode="json", exclude={"weights_sha256"}))


def save_tagger(tagger: Tagger, folder: Path, about: dict[str, Any]) -> str:
    """Write a tagger with its description (`about`: any JSON). Returns the SHA-256 of its weights.

    Raises:
        FileError: the system refuses a file.
    """
    description = _Description(
        format=FORMAT,
        weights_sha256="",
        config=tagger.config,
        pretrained=pretrained_digests(tagger.config),
        labels=tagger.labels.names,
        vocabulary=tagger.vocabulary,
        about=about,
    )
    weights = folder / WEIGHTS
    remove_temperature(folder)  # it belongs to the tagger that was there
    tensors = {name: tensor.contiguous() for name, tensor in tagger.weights().items()}
    with atomic_path(weights) as temporary:
        save_file(tensors, temporary, {_TAGGER: description.tagger})
    digest = digest_file(weights)
    write_sealed(folder / FILE, description.model_copy(update={"weights_sha256": digest}).model_dump(mode="json"))
    return digest


def load_tagger(folder: Path) -> Tagger:
    """Read a tagger, ready to predict.

    Raises:
        CheckpointError: it is missing, damaged, of another format, has parts that do not belong together, or needs a
        pretrained encoder that has changed.
        EncoderError: a pretrained encoder that is not there.
    """
    description = describe(folder, _Description)
    weights = _weights(folder, description)
    for name, found in pretrained_digests(description.config).items():
        if (expected := description.pretrained.get(name)) != found:
            raise CheckpointError(
                f"{folder}: was trained on {name} with digest {expected}, found {found}; "
                f"put the encoder back that it was trained on, or {remedy(folder)}"
            )
    return _build(folder, description, weights).eval()


def _weights(folder: Path, description: _Description) -> Mapping[str, Tensor]:
    """Read the weights; check that they and the description belong together."""
    path = folder / WEIGHTS
    try:
        content = read_regular(path)
    except FileError as error:
        raise CheckpointError(f"{error}; or {remedy(folder)}") from error
    if (found := digest_bytes(content)) != description.weights_sha256:
        raise CheckpointError(
            f"{path}: SHA-256 is {found}, {FILE} says {description.weights_sha256}; "
            f"the file was changed or damaged: {remedy(folder)}"
        )
    try:
        weights, tagger = load(content), _metadata(content).get(_TAGGER)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path}: not a file of weights ({error}); {remedy(folder)}") from error
    if tagger != description.tagger:
        raise CheckpointError(
            f"{path}: holds weights of the tagger {tagger}, {FILE} describes {description.tagger}: settings, labels, "
            f"vocabulary or what it was trained on are others; {remedy(folder)}"
        )
    return weights


def _metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of a safetensors file."""
    size = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    return metadata


class _Uninitialised(TorchFunctionMode):
    """A mode that skips initial values; on the meta device they would load sympy and much of torch."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if kwargs and "tensor" in kwargs else args[0]
        return func(*args, **(kwargs or {}))


def _build(folder: Path, description: _Description, weights: Mapping[str, Tensor]) -> Tagger:
    """Build the tagger with its weights. It takes no memory for sizes that the weights do not have."""
    if description.config.layers > len(weights):
        raise CheckpointError(
            f"{folder / FILE}: found {description.config.layers} layers, but {WEIGHTS} has {len(weights)} tensors; "
            f"{remedy(folder)}"
        )
    try:
        with torch.device("meta"), _Uninitialised():
            tagger = Tagger(description.config, description.vocabulary, LabelSet(description.labels))
        tagger.set_weights(weights)
    except (CorpusError, RuntimeError, OverflowError, TypeError) as error:
        raise CheckpointError(
            f"{folder / WEIGHTS}: does not fit the tagger that {FILE} describes: {error}; {remedy(folder)}"
        ) from error
    return tagger
