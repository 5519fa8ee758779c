"""Questions about artifact sets: where teachers are least sure, disagree with gold, or with one another.

Each answer is a frame with a sentence a row, most notable first, and is found one row group at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Bool

from structkd.artifacts.comparison import shared_places, shared_rows
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.artifacts.schema import ArtifactError

_READ = ("sentence_id", "language", "teacher", "tokens", "gold", "paths", "path_log_probs")


def least_sure(sets: Sequence[ArtifactSet], n: int) -> pl.DataFrame:
    """Return the `n` sentences whose best path has the lowest probability for their length.

    Columns: `set`, `row`, `sentence_id`, `language`, `teacher`; `p_best`, the best path's probability;
    `nats_a_word`, -log p_best over the words, by which they are ranked; `text`, with the best path's labels.
    """
    found = (part for one in sets for part in _row_groups(one, _sure))
    return _first(found, "nats_a_word", n)


def against_gold(sets: Sequence[ArtifactSet], n: int) -> pl.DataFrame:
    """Return the `n` sentences whose best path is the most probable one among those that differ from gold.

    Columns: as `least_sure`; `text` marks the words with `gold` and `best` labels that differ.
    """
    found = (part for one in sets for part in _row_groups(one, _wrong))
    return _first(found, "p_best", n)


def disagreements(first: ArtifactSet, second: ArtifactSet, n: int) -> pl.DataFrame:
    """Return the `n` sentences of both sets on whose best path they disagree and of which both are most sure.

    Columns: `row`, `row_second`, `p_best`, `p_best_second`, and their smaller one, `p_least`; `text` marks words.

    Raises:
        ArtifactError: the sets have other labels.
    """
    if first.labels != second.labels:
        raise ArtifactError(
            f"{first.folder} and {second.folder}: their labels differ, so their paths cannot be compared; "
            "`structkd inspect --diff` shows both label sets"
        )
    return _first(_disagreeing(first, second), "p_least", n)


def _first(parts: Iterable[pl.DataFrame], key: str, n: int) -> pl.DataFrame:
    """The rows with the largest `key`; of equal ones, the earlier rows."""
    kept = pl.DataFrame()
    for part in parts:
        kept = pl.concat([kept, part]) if len(kept) else part
        kept = kept.sort(key, descending=True, maintain_order=True).head(n)
    return kept


Answer = Callable[[ArtifactSet, DecodedRows], tuple[Bool[np.ndarray, "B"], dict[str, Sequence[object]]]]


def _row_groups(artifacts: ArtifactSet, answer: Answer) -> Iterator[pl.DataFrame]:
    begin = 0
    for rows in artifacts.row_groups(_READ):
        decoded = DecodedRows(rows)
        chosen, columns = answer(artifacts, decoded)
        frame = pl.DataFrame(
            {
                "set": [artifacts.folder.name] * len(decoded),
                "row": range(begin, begin + len(decoded)),
                "sentence_id": decoded.sentence_id,
                "language": decoded.language,
                "teacher": decoded.teacher,
                "p_best": np.exp(decoded.path_log_probs[:, 0].astype(np.float64)),
            }
            | columns
        )
        yield frame.filter(pl.Series(chosen))
        begin += len(decoded)


def _sure(artifacts: ArtifactSet, rows: DecodedRows) -> tuple[Bool[np.ndarray, "B"], dict[str, Sequence[object]]]:
    nats = -rows.path_log_probs[:, 0].astype(np.float64) / rows.lengths
    names = artifacts.labels
    texts = [
        " ".join(word if names[y] == "O" else f"{word}/{names[y]}" for word, y in zip(words, path, strict=False))
        for words, path in zip(rows.tokens.to_pylist(), rows.paths[:, 0], strict=True)
    ]
    return np.ones(len(rows), bool), {"nats_a_word": nats.tolist(), "text": texts}


def _wrong(artifacts: ArtifactSet, rows: DecodedRows) -> tuple[Bool[np.ndarray, "B"], dict[str, Sequence[object]]]:
    differs = rows.mask & rows.has_gold[:, None] & (rows.paths[:, 0] != rows.gold)
    texts = _marked(artifacts, rows.tokens, differs, rows.gold, rows.paths[:, 0], ("gold", "best"))
    return differs.any(1), {"text": texts}


def _disagreeing(first: ArtifactSet, second: ArtifactSet) -> Iterator[pl.DataFrame]:
    for places, tables in shared_rows(first, second, shared_places(first, second)):
        same = [one == other for one, other in zip(*(table["tokens"].to_pylist() for table in tables), strict=True)]
        if not any(same):
            continue
        one, other = (DecodedRows(table.filter(pa.array(same))) for table in tables)
        differs = one.mask & (one.paths[:, 0] != other.paths[:, 0])
        chances = [np.exp(rows.path_log_probs[:, 0].astype(np.float64)) for rows in (one, other)]
        frame = pl.DataFrame(
            {
                "row": places[same, 0],
                "row_second": places[same, 1],
                "p_best": chances[0],
                "p_best_second": chances[1],
                "p_least": np.minimum(*chances),
                "text": _marked(first, one.tokens, differs, one.paths[:, 0], other.paths[:, 0], ("first", "second")),
            }
        )
        yield frame.filter(pl.Series(differs.any(1)))


def _marked(
    artifacts: ArtifactSet,
    tokens: pa.ListArray,
    differs: Bool[np.ndarray, "B T"],
    one: np.ndarray,
    other: np.ndarray,
    names: tuple[str, str],
) -> list[str]:
    """Sentences in which each word with two labels is followed by both."""
    labels, (left, right) = artifacts.labels, names
    return [
        " ".join(
            f"{word} [{left} {labels[a]}, {right} {labels[b]}]" if mark else word
            for word, mark, a, b in zip(words, marks, first, second, strict=False)
        )
        for words, marks, first, second in zip(tokens.to_pylist(), differs, one, other, strict=True)
    ]


def view_sql(artifacts: ArtifactSet) -> str:
    """Return SQL for DuckDB that defines a view of a set in which labels have names.

    Its columns are those of the set, and `gold_labels`, `best_labels` (of the best path) and `words`, a list with a
    struct of word, gold and best label for each word.
    """
    quoted = [text.replace("'", "''") for text in artifacts.labels]
    names = ", ".join(f"'{label}'" for label in quoted)
    files = f"{artifacts.folder}/part-*.parquet".replace("'", "''")
    name = artifacts.folder.name.replace('"', '""')
    return f"""CREATE OR REPLACE VIEW "{name}" AS
WITH named AS (
  SELECT *,
    list_transform(gold, lambda x: [{names}][x + 1]) AS gold_labels,
    list_transform(paths[1], lambda x: [{names}][x + 1]) AS best_labels
  FROM read_parquet('{files}')
)
SELECT *,
  list_transform(tokens, lambda word, i: {{'word': word, 'gold': gold_labels[i], 'best': best_labels[i]}}) AS words
FROM named;"""
