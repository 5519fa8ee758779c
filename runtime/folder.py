"""An exported tagger on disk, and its loading.

A folder contains `model.onnx` (the network), `structkd.json` (labels, chain, vocabulary, settings), `tokenizer.json`
for a pretrained encoder, `README.md` (a model card), and `digests.json` with the SHA-256 of each. Nothing points
elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .alphabet import Alphabet
from .chain import Chain
from .inputs import CharacterIds, Input, NgramRows, StaticRows, WordIds
from .scoring import OnnxScorer, open_session
from .subwords import SubwordWindows
from .tagging import TextTagger
from .windows import Frame

FORMAT = 1
MODEL, SETTINGS, DIGESTS, CARD = "model.onnx", "structkd.json", "digests.json", "README.md"
_REMEDY = "restore it from a copy, or export the tagger again"


class FolderError(ValueError):
    """An unusable exported folder; the message names the file, what was found and what to do."""


def is_exported(folder: str | Path) -> bool:
    """True for a folder that `structkd export` wrote, even if one of its files is missing now."""
    return (Path(folder) / DIGESTS).is_file() or (Path(folder) / SETTINGS).is_file()


def load(folder: str | Path, *, threads: int = 1) -> TextTagger:
    """Load an exported tagger.

    Args:
        threads: of one call; texts can be tagged by several threads at once in any case.

    Raises:
        FolderError: a file that is missing, changed, or of another format.
        ImportError: onnxruntime, or tokenizers for a pretrained encoder, is not installed.
    """
    folder = Path(folder)
    files = read_checked(folder)
    try:
        return open_files(files, threads)
    except FolderError as error:
        raise FolderError(f"{folder / SETTINGS}: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise FolderError(f"{folder}: found what no export writes ({error!r}); {_REMEDY}") from error


def open_files(files: Mapping[str, bytes], threads: int = 1) -> TextTagger:
    """Return the tagger of an exported folder's files, by their names."""
    settings = json.loads(files[SETTINGS])
    if settings["format"] != FORMAT:
        raise FolderError(
            f"found format {settings['format']!r}, this version reads {FORMAT}; use the structkd that wrote it, or "
            "export the tagger again"
        )
    chain = {name: np.array(scores, np.float32) for name, scores in settings["chain"].items()}
    alphabet = Alphabet(settings["vocabulary"]["words"], settings["vocabulary"]["characters"])
    scorer = OnnxScorer(
        session=open_session(files[MODEL], threads),
        inputs=[_input(one, place, alphabet, files) for place, one in enumerate(settings["encoders"])],
        labels=tuple(settings["labels"]),
        scheme=settings["scheme"],
        chain=Chain(**chain, temperature=settings["temperature"]),
    )
    return TextTagger(scorer)


def describe(folder: str | Path) -> dict[str, Any]:
    """Return the settings of an exported tagger: `labels`, `scheme`, `metric`, `temperature`, `about` and more.

    Raises:
        FolderError: a file that is missing or changed.
    """
    found: dict[str, Any] = json.loads(read_checked(Path(folder))[SETTINGS])
    return found


def seal(files: Mapping[str, bytes]) -> bytes:
    """Return the content of `digests.json` for files by name. It contains a digest of itself."""
    digests = {name: _digest(content) for name, content in sorted(files.items())}
    return _sealed(digests)


def read_checked(folder: Path) -> dict[str, bytes]:
    """Return the content of an exported folder's files by name. Files that are not of the export are left out.

    Raises:
        FolderError: a file that is missing or changed.
    """
    if not is_exported(folder):
        raise FolderError(
            f"{folder}: no exported tagger (it has neither {DIGESTS} nor {SETTINGS}); run: structkd export"
        )
    sealed = _read(folder / DIGESTS)
    try:
        digests = dict(json.loads(sealed)["files"])
        known = _sealed(digests) == sealed
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = False
    if not known or not {MODEL, SETTINGS} <= digests.keys():
        raise FolderError(f"{folder / DIGESTS}: found a list of digests that was changed; {_REMEDY}")
    return dict(_checked(folder, digests))


def _checked(folder: Path, digests: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for name, expected in digests.items():
        path = folder / name
        if path.parent != folder:
            raise FolderError(f"{folder / DIGESTS}: found the name {name!r} outside the folder; {_REMEDY}")
        content = _read(path)
        if (found := _digest(content)) != expected:
            raise FolderError(
                f"{path}: found SHA-256 {found}, {DIGESTS} says {expected}; the file was changed or damaged: {_REMEDY}"
            )
        yield name, content


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise FolderError(f"{path}: no such file; {_REMEDY}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise FolderError(f"{path}: cannot be read: {error.strerror}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sealed(digests: Mapping[str, str]) -> bytes:
    whole = _digest(json.dumps(digests, sort_keys=True).encode())
    return (json.dumps({"digest": whole, "files": digests}, indent=2) + "\n").encode()


def _input(encoder: dict[str, Any], place: int, alphabet: Alphabet, files: Mapping[str, bytes]) -> Input:
    match encoder["kind"]:
        case "words":
            return WordIds(alphabet)
        case "characters":
            return CharacterIds(alphabet)
        case "ngrams":
            return NgramRows(f"ngrams.{place}", encoder["buckets"], encoder["min_n"], encoder["max_n"])
        case "static":
            return StaticRows(f"static.{place}", encoder["words"], lowercase=encoder["lowercase"])
        case "transformer":
            frame = Frame(tuple(encoder["before"]), tuple(encoder["after"]), encoder["pad"], encoder["room"])
            tokenizer = files[encoder["tokenizer"]].decode()
            given = {name: encoder[name] for name in ("lead", "unknown", "which")}
            return SubwordWindows(tokenizer, place, frame, **given)
        case other:
            raise ValueError(f"an encoder of kind {other!r}")
