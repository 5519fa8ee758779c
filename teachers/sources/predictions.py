"""Probabilities on disk, written by any program, as a teacher.

A file contains one row per sentence, row i for sentence i of the corpus (after the experiment's limits): JSON lines
(.jsonl, one object per line) or Parquet (.parquet), with the same columns:

| column | type | meaning |
|---|---|---|
| `tokens` | list of strings | the corpus's words |
| `probabilities` | list of lists of numbers | for each word one for each label, their sum 1 |
| `labels` | list of strings, the same in every row that has it | the labels' names, unless the settings give them |

Other columns are ignored. A file is read once and stored in float32.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
from jaxtyping import Float64

from structkd.artifacts.ragged import list_lengths
from structkd.corpora.labels import LabelSet
from structkd.crf import LinearChain
from structkd.teachers.sources.base import Passage, SoftmaxSource, listed
from structkd.teachers.sources.config import PredictionsConfig, SourceError, TaskScheme
from structkd.teachers.sources.mapping import LabelMapping

TOLERANCE = 1e-3  # how far a sum of probabilities may be from 1: float16 and a few decimals round
_SCHEMA = pa.schema(
    {
        "tokens": pa.list_(pa.string()),
        "probabilities": pa.list_(pa.list_(pa.float32())),
        "labels": pa.list_(pa.string()),
    }
)
_BLOCK_BYTES = 1 << 26  # no line of JSON may be longer


@dataclass(frozen=True)
class _File:
    path: Path
    rows: pa.Table
    mapping: LabelMapping


class PredictionsSource(SoftmaxSource):
    """A source that reads files by language and split; only the last file stays in memory.

    Args:
        config: the places of the files, and the mapping of their labels to the task's.
        labels: the task's labels, with their scheme (None for tags).
    """

    def __init__(self, config: PredictionsConfig, labels: LabelSet, scheme: TaskScheme | None) -> None:
        super().__init__(labels)
        self._config, self._scheme = config, scheme
        self._file: _File | None = None

    def chain(self, passage: Passage) -> LinearChain:
        """Return a softmax chain over the task's labels.

        Raises:
            SourceError: a file that is missing or damaged, whose number of rows is not the corpus's number of
            sentences, or whose labels are missing or do not fit; a row with other tokens than the sentence, or with
            probabilities that are not one distribution per token. The message shows file and row.
        """
        path = self._config.file(passage.corpus.language, passage.corpus.split)
        if self._file is None or self._file.path != path:
            self._file = self._open(path)
        file = self._file
        if len(file.rows) != len(passage.corpus):
            raise SourceError(
                f"{path}: {len(file.rows)} rows, but {passage.corpus.language} {passage.corpus.split} has "
                f"{len(passage.corpus)} sentences; row i must be sentence i, after the experiment's limits"
            )
        probabilities = _probabilities(file, passage)
        return self._chain(file.mapping(probabilities, passage), passage.lengths)

    def _open(self, path: Path) -> _File:
        rows = _read(path)
        names = _names(path, rows, self._config.labels)
        mapping = LabelMapping(names, self.labels, self._scheme, self._config, str(path))
        # In one piece: taking rows of many would cost as much as the whole.
        return _File(path, rows.drop_columns("labels").combine_chunks(), mapping)


def _read(path: Path) -> pa.Table:
    """Read a file as a table of `_SCHEMA`, null where it has no `labels`."""
    readers = {".jsonl": _read_json, ".parquet": _read_parquet}
    if path.suffix not in readers:
        raise SourceError(f"{path}: predictions are .jsonl or .parquet; convert the file, or rename it to what it is")
    if not path.is_file():
        raise SourceError(f"{path}: no such file; it should hold the predictions for its corpus")
    try:
        rows = readers[path.suffix](path)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{path}: cannot be read as rows of tokens (strings) and probabilities (lists of numbers): {error}"
        ) from error
    for name in ("tokens", "probabilities"):
        nulls = np.flatnonzero(rows.column(name).is_null().to_numpy())
        if len(nulls):
            raise SourceError(f"{path}: row {nulls[0]}: no {name}; each row needs tokens and probabilities")
    return rows


def _read_json(path: Path) -> pa.Table:
    options = pj.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore")
    return pj.read_json(path, read_options=pj.ReadOptions(block_size=_BLOCK_BYTES), parse_options=options)


def _read_parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        present = [name for name in _SCHEMA.names if name in names]
        if not {"tokens", "probabilities"} <= {*present} or any(names.count(name) > 1 for name in present):
            raise SourceError(f"{path}: its columns are {listed(names)}; expected tokens and probabilities, once each")
        rows = file.read(present)
    if "labels" not in present:
        rows = rows.append_column(_SCHEMA.field("labels"), pa.nulls(len(rows), _SCHEMA.field("labels").type))
    return rows.select(_SCHEMA.names).cast(_SCHEMA)


def _names(path: Path, rows: pa.Table, stated: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the probabilities; the settings and all rows with names must agree on them."""
    column = rows.column("labels").combine_chunks()
    having = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    if stated is None and not len(having):
        raise SourceError(f"{path}: no row has `labels`; write them into the file, or set `labels` of the source")
    names = stated if stated is not None else tuple(map(str, column[int(having[0])].as_py()))
    if not names:
        place = "the source's settings" if stated is not None else f"row {having[0]}"
        raise SourceError(f"{path}: `labels` of {place} is empty; expected a name for each probability")
    lengths = list_lengths(column)[having]
    values = column.flatten().to_numpy(zero_copy_only=False)
    wrong = lengths != len(names)
    if not wrong.any():
        wrong = (values.reshape(len(having), len(names)) != np.array(names, object)).any(1)
    for row in having[wrong][:1]:
        raise SourceError(
            f"{path}: row {row}: its labels are {listed(list(map(str, column[int(row)].as_py())))}; expected "
            f"{listed(names)}, as {'the settings' if stated is not None else f'row {having[0]}'} say"
        )
    return names


def _probabilities(file: _File, passage: Passage) -> Float64[np.ndarray, "N M"]:
    """Return the distributions of a passage's words, one sentence after the other."""
    rows, names = file.rows.take(pa.array(passage.places)).combine_chunks(), file.mapping.names
    for place, sentence, found in zip(
        passage.places, passage.sentences, rows.column("tokens").to_pylist(), strict=True
    ):
        if tuple(found) != sentence.tokens:
            raise SourceError(
                f"{file.path}: row {place}: its tokens are {found} ({len(found)}); expected {list(sentence.tokens)} "
                f"({len(sentence)}) as in {passage.corpus.language} {passage.corpus.split}; row i must be sentence i"
            )
    sentences = rows.column("probabilities").combine_chunks()
    for row in np.flatnonzero(list_lengths(sentences) != passage.lengths)[:1]:
        raise SourceError(
            f"{file.path}: row {passage.places[row]}: probabilities for {len(sentences[int(row)])} words, "
            f"expected {passage.lengths[row]}"
        )
    words = sentences.flatten()
    sizes = list_lengths(words)
    for word in np.flatnonzero(sizes != len(names))[:1]:
        raise SourceError(
            f"{file.path}: {passage.where(int(word))}: {sizes[word]} probabilities, expected {len(names)} "
            f"({listed(names)})"
        )
    values = words.flatten().to_numpy(zero_copy_only=False).astype(np.float64).reshape(len(words), len(names))
    sums = values.sum(1, keepdims=True)
    # A NaN fails every comparison, so what is right is said and then negated.
    wrong = ~((values.min(1) >= 0) & (np.abs(sums[:, 0] - 1) <= TOLERANCE))
    for word in np.flatnonzero(wrong)[:1]:
        raise SourceError(
            f"{file.path}: {passage.where(int(word))}: {values[word].tolist()} are not probabilities: they must be at "
            f"least 0, and their sum, {sums[word, 0]:g}, within {TOLERANCE:g} of 1"
        )
    normalised: Float64[np.ndarray, "N M"] = values / sums
    return normalised
