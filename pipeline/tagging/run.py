"""Tagging of files: inputs pass through a tagger to an output."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from structkd.pipeline.tagging.inputs import Form, read_columns, read_json_lines, read_texts
from structkd.pipeline.tagging.items import Chunk, Reading
from structkd.pipeline.tagging.outputs import Output
from structkd.runtime.tagging import TextTagger, Wanted

_READERS = {"text": read_texts, "jsonl": read_json_lines, "columns": read_columns}


def tag_files(
    tagger: TextTagger,
    files: Sequence[Path],
    form: Form,
    reading: Reading,
    wanted: Wanted,
    output: Output,
    tell: Callable[[float, int], None],
) -> None:
    """Write the answer to each input in `files`, or on standard input if there are none, in order.

    Args:
        tell: takes the number of bytes that are read, and the number of words that are tagged since.
    """
    before = 0
    paths: Sequence[Path | None] = files or [None]
    for path in paths:
        for chunk in _chunks(path, form, reading):
            items = chunk.items
            found = tagger.tag_words([item.text for item in items], [item.words for item in items], wanted)
            output.write(chunk, found)
            tell(before + chunk.read, sum(len(item.words) for item in items))
        before += path.stat().st_size if path else 0
    output.close()


def _chunks(path: Path | None, form: Form, reading: Reading) -> Iterator[Chunk]:
    if form == "parquet":
        from structkd.pipeline.tagging.parquet import read_parquet

        assert path is not None  # the command refuses it
        return read_parquet(path, reading)
    return _streamed(path, form, reading)


def _streamed(path: Path | None, form: Form, reading: Reading) -> Iterator[Chunk]:
    with path.open("rb") if path else nullcontext(sys.stdin.buffer) as file:
        yield from _READERS[form](file, str(path or "standard input"), reading)
