"""An encoder with the subwords of some text alone: `python -m benchmarks.gpu.prune ENCODER OUT CORPORA...`.

A task's words need a fifth to a third of a multilingual vocabulary. What is left cuts them as before, which is checked,
and has the same vectors; other text may be cut otherwise. It reads folders whose tokeniser is a Unigram model in
`tokenizer.json`, and files of a word and its labels a line, or of a sentence a line (.txt).
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

TABLE = "embeddings.word_embeddings.weight"
_AT_ONCE = 20_000


def words_of(roots: Iterable[Path]) -> list[str]:
    """The distinct words of all files under some folders."""
    files = sorted(file for root in roots for file in (root.rglob("*.*") if root.is_dir() else [root]))
    return sorted(
        {word for file in files for line in file.read_text("utf-8").split("\n") for word in _words(file, line)}
    )


def _words(file: Path, line: str) -> list[str]:
    return line.split() if file.suffix == ".txt" else [part for part in line.split("\t")[:1] if part]


def cuts(tokenizer: Tokenizer, words: Sequence[str]) -> Iterator[list[str]]:
    """The subwords of each word by itself, special tokens aside."""
    for place in range(0, len(words), _AT_ONCE):
        some = words[place : place + _AT_ONCE]
        pieces = tokenizer.encode_batch([[word] for word in some], is_pretokenized=True, add_special_tokens=False)
        yield from (one.tokens for one in pieces)


def pruned(tokenizer: dict[str, Any], used: set[str]) -> tuple[dict[str, Any], list[int]]:
    """The settings of a tokeniser with the special and the used subwords alone, and their places before.

    The least probable subword is kept: what is unknown is scored by it.
    """
    vocabulary = tokenizer["model"]["vocab"]
    used = used | {one["content"] for one in tokenizer["added_tokens"]}
    used.add(min(vocabulary, key=lambda entry: entry[1])[0])
    places = [place for place, (piece, _) in enumerate(vocabulary) if piece in used]
    numbers = {old: new for new, old in enumerate(places)}
    added = [one | {"id": numbers[one["id"]]} for one in tokenizer["added_tokens"]]
    if any(one["id"] != before["id"] for one, before in zip(added, tokenizer["added_tokens"], strict=True)):
        raise SystemExit("special subwords would change their places; expected them first in the vocabulary")
    model = tokenizer["model"] | {"vocab": [vocabulary[place] for place in places]}
    return tokenizer | {"model": model}, places


def prune(encoder: Path, out: Path, words: list[str]) -> list[int]:
    """Write the folder `out`; the places that its subwords had before."""
    before = json.loads((encoder / "tokenizer.json").read_text("utf-8"))
    whole = Tokenizer.from_str(json.dumps(before))
    after, places = pruned(before, {piece for pieces in cuts(whole, words) for piece in pieces})
    small = Tokenizer.from_str(json.dumps(after))
    cut = zip(words, cuts(whole, words), cuts(small, words), strict=True)
    differ = [word for word, old, new in cut if old != new]
    if differ:
        raise SystemExit(f"{len(differ)} words would be cut otherwise, {differ[0]!r} for one")
    out.mkdir(parents=True, exist_ok=True)
    weights = load_file(encoder / "model.safetensors")
    weights[TABLE] = np.ascontiguousarray(weights[TABLE][places])
    save_file(weights, out / "model.safetensors", {"format": "pt"})
    (out / "tokenizer.json").write_text(json.dumps(after, ensure_ascii=False), "utf-8")
    config = json.loads((encoder / "config.json").read_text("utf-8")) | {"vocab_size": len(places)}
    (out / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", "utf-8")
    shutil.copy(encoder / "tokenizer_config.json", out)
    return places


def main(
    encoder: Annotated[Path, typer.Argument(help="A folder of Hugging Face transformers.")],
    out: Annotated[Path, typer.Argument(help="The folder to write.")],
    corpora: Annotated[list[Path], typer.Argument(help="Files, or folders of files.")],
) -> None:
    """Prune, check, and say how much is left."""
    words = words_of(corpora)
    Console().print(f"{out}: {len(prune(encoder, out, words)):,} subwords, which cut {len(words):,} words as before")


if __name__ == "__main__":
    typer.run(main)
