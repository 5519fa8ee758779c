"""Pretrained encoders on disk: their places and their digests. Nothing here loads them."""

import os
from functools import cache
from pathlib import Path

from structkd.ground.extras import needs
from structkd.ground.files import digest_json, digest_unchanged
from structkd.tagger.config import TaggerConfig, TransformerConfig

ROOT_VARIABLE = "STRUCTKD_ENCODERS"
EXTRA = "transformers"
FEATURES = 2  # raised where the same frozen encoder would say something else of the same sentence
_IGNORED = (".md", ".lock", ".onnx", ".h5", ".msgpack", ".ot", ".pdf", ".png", ".pt", ".pth", "training_args.bin")


class EncoderError(ValueError):
    """An unusable pretrained encoder; the message names it, what was found and what to do."""


def find_pretrained(model: str) -> Path:
    """Return the folder of a pretrained encoder: `model` itself, or under $STRUCTKD_ENCODERS, or from the hub.

    The hub is asked last, and once, for `name` or `name@revision` (a branch, tag or commit); with HF_HUB_OFFLINE=1 only
    its local cache is used. Raises EncoderError if there is none.
    """
    root = os.environ.get(ROOT_VARIABLE)
    local = [Path(model).expanduser(), *([Path(root).expanduser() / model] if root else [])]
    for folder in local:
        if (folder / "config.json").is_file():
            return folder
    if model.count("/") > 1 or model.startswith((".", "~", "/")):  # no hub has such names
        raise EncoderError(f"{model}: no folder with a config.json; expected a pretrained encoder there")
    return _from_hub(model)


@cache  # a branch that moves while a process runs gives it one model
def _from_hub(model: str) -> Path:
    name, _, revision = model.partition("@")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise EncoderError(missing_extra(model)) from error
    wanted = ["*.json", "*.safetensors", "*.model", "vocab.txt", "merges.txt"]
    try:
        folder = Path(snapshot_download(name, revision=revision or None, allow_patterns=wanted))
        if not list(folder.glob("*.safetensors")):  # older models have their weights in torch's own format alone
            snapshot_download(name, revision=revision or None, allow_patterns="pytorch_model*")
        return folder
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise EncoderError(
            f"{model}: not a local folder, not under ${ROOT_VARIABLE}, and the model hub did not give it "
            f"({type(error).__name__}: {str(error).splitlines()[0]}); name a folder that has its config.json"
        ) from error


def missing_extra(model: str) -> str:
    """Return the advice for a missing `transformers`."""
    return f"{model}: {needs('transformers', EXTRA)}"


def pretrained_digest(model: str) -> str:
    """Return the SHA-256 of the files of a pretrained encoder, by name and content."""
    folder = find_pretrained(model)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    read = [path for path in files if not path.name.endswith(_IGNORED)]
    return digest_json([[path.name, digest_unchanged(path)] for path in read])


def pretrained_digests(tagger: TaggerConfig) -> dict[str, str]:
    """Return the digest of each pretrained encoder and file of vectors that a tagger uses, by its name."""
    models = {encoder.model: pretrained_digest(encoder.model) for encoder in tagger.transformers}
    return models | {encoder.path: vectors_digest(encoder.path) for encoder in tagger.static}


def vectors_digest(path: str) -> str:
    """Return the SHA-256 of a file of vectors. Raises EncoderError if it is missing."""
    if not Path(path).is_file():
        raise EncoderError(f"{path}: no such file; expected vectors of words")
    return digest_unchanged(Path(path))


def features_digest(config: TransformerConfig) -> str:
    """Return the digest of everything that determines a frozen encoder's features of a sentence."""
    parts = config.model_dump(include={"layers", "subwords", "window", "precision"})
    return digest_json([FEATURES, pretrained_digest(config.model), parts, "mean" if config.mix == "mean" else "each"])
