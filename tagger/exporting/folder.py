"""Writing an exported folder, see `structkd.runtime.folder`."""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from structkd.ground.faults import FileError, explained
from structkd.ground.files import canonical_json, sync
from structkd.ground.interrupts import at_end
from structkd.runtime.folder import DIGESTS, FORMAT, MODEL, SETTINGS, seal
from structkd.tagger.exporting.layers import array
from structkd.tagger.exporting.quantisation import quantised
from structkd.tagger.exporting.tagger import export_graph
from structkd.tagger.model import CHAIN
from structkd.tagger.texts import TorchScorer

Files = dict[str, bytes]


def exported_files(
    scorer: TorchScorer,
    about: Mapping[str, Any],
    *,
    words: int | None = None,
    rows: int = 0,
    text: Sequence[str] | None = None,
    int8: bool = False,
) -> Files:
    """Return the files of a tagger's folder by name, without its card.

    Args:
        about: any JSON; `structkd.runtime.folder.describe` returns it.
        words: keep only this many words of the vocabulary, the most frequent; None for all.
        rows: rows of a file of vectors that are kept beside those of the vocabulary: its first.
        text: words whose subwords are kept of a pretrained encoder's; None for all subwords.
        int8: quantise weights to 8 bits.

    Raises:
        ExportError: an encoder that cannot be exported.
    """
    tagger = scorer.tagger
    vocabulary = tagger.vocabulary.model_copy(update={"words": tagger.vocabulary.words[:words]})
    found = export_graph(tagger, vocabulary, rows, text, int8=int8)
    model = quantised(found.model) if int8 else found.model
    read = {encoder["kind"] for encoder in found.encoders}
    settings = {
        "format": FORMAT,
        "labels": scorer.labels,
        "scheme": scorer.scheme,
        "temperature": scorer.chain.temperature,
        "chain": {name: array(getattr(tagger, name)).tolist() for name in CHAIN},
        "encoders": found.encoders,
        "vocabulary": {
            "words": vocabulary.words if "words" in read else (),
            "characters": vocabulary.characters if "characters" in read else "",
        },
        "about": about,
    }
    tokenizers = {name: content.encode() for name, content in found.tokenizers.items()}
    return {MODEL: model.SerializeToString(), SETTINGS: canonical_json(settings).encode(), **tokenizers}


def check_new(out: Path) -> None:
    """Raise FileError if `out` is something else than a new or empty folder, or cannot be one."""
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise FileError(None, f"{out}: found something there; name a folder that is new or empty")
    above = next(folder for folder in out.absolute().parents if os.path.lexists(folder))
    if not above.is_dir():
        raise FileError(None, f"{out}: {above} is no folder; name a folder that is new or empty, below folders alone")


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write an exported folder, sealed. It is there as a whole or not at all.

    Raises:
        FileError: the system refuses, or `out` is something else than an empty folder.
    """
    check_new(out)
    temporary = out.absolute().with_name(f".{out.absolute().name}.{secrets.token_hex(4)}.{os.getpid()}.tmp")
    with explained(out, "written"), at_end(lambda: shutil.rmtree(temporary, ignore_errors=True)):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.mkdir()
            for name, content in (*files.items(), (DIGESTS, seal(files))):
                (temporary / name).write_bytes(content)
                sync(temporary / name)
            sync(temporary)
            try:
                temporary.replace(out)
            except OSError:
                check_new(out)  # another process may have written it since
                raise
            sync(out.absolute().parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
