"""Sentences of a corpus with the same words and different labels: at least one of them is wrong."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from structkd.artifacts.reader import ArtifactSet

COLUMNS = ["language", "sentence_id", "tokens", "gold"]
SCHEMA = {
    "language": pl.String,
    "sentence": pl.String,
    "labels": pl.String,
    "differs_at": pl.String,
    "sentences": pl.Int64,
    "sentence_ids": pl.String,
}
Words = tuple[str, ...]


def contradictions(sets: Sequence[ArtifactSet]) -> pl.DataFrame:
    """Return labelled sentences of one language with equal words and different labels; columns as in `SCHEMA`.

    A row is one way to label a sentence, the most frequent first; `differs_at` contains the words and labels at which
    the ways differ. Reads one row group at a time, twice, and keeps two hashes of each sentence.
    """
    ways: defaultdict[int, set[int]] = defaultdict(set)
    for language, _, words, labels in _sentences(sets):
        ways[hash((language, words))].add(hash(labels))
    wanted = {words for words, labels in ways.items() if len(labels) > 1}
    found: defaultdict[tuple[str, Words], defaultdict[Words, list[int]]] = defaultdict(lambda: defaultdict(list))
    for language, sentence_id, words, labels in _sentences(sets):
        if hash((language, words)) in wanted:
            found[language, words][labels].append(sentence_id)
    groups = [(*key, labels) for key, labels in sorted(found.items()) if len(labels) > 1]  # hashes may collide
    rows = [row for group in groups for row in _rows(*group)]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def _sentences(sets: Sequence[ArtifactSet]) -> Iterator[tuple[str, int, Words, Words]]:
    for artifacts in sets:
        for table in artifacts.row_groups(COLUMNS):
            labelled: pa.Table = table.filter(table["gold"].is_valid())
            for row in labelled.to_pylist():
                labels = artifacts.header.label_set.decode(row["gold"])
                yield row["language"], row["sentence_id"], tuple(row["tokens"]), labels


def _rows(language: str, words: Words, ways: dict[Words, list[int]]) -> Iterator[tuple[str, str, str, str, int, str]]:
    differs = [place for place, labels in enumerate(zip(*ways, strict=True)) if len({*labels}) > 1]
    for labels, ids in sorted(ways.items(), key=lambda item: (-len(item[1]), item[1])):
        at = ", ".join(f"{words[place]} {labels[place]}" for place in differs)
        yield language, " ".join(words), " ".join(labels), at, len(ids), " ".join(map(str, sorted(ids)))
