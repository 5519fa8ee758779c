"""An artifact set as a teacher: its emissions and its chain's scores are the teacher's potentials."""

from bisect import bisect_right
from functools import lru_cache

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Int64

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows
from structkd.corpora.sentences import Sentence, Split
from structkd.crf import LinearChain
from structkd.teachers.sources.base import Passage
from structkd.teachers.sources.config import SourceError

COLUMNS = ("sentence_id", "seen", "tokens", "emissions")


class SetSource:
    """The teacher of a set of one language, for the set's own sentences. One row group is in memory at a time."""

    def __init__(self, artifacts: ArtifactSet) -> None:
        header = artifacts.header
        self.artifacts, self.labels = artifacts, header.label_set
        self.transitions = torch.tensor(header.transitions)
        self.start, self.end = torch.tensor(header.start), torch.tensor(header.end)
        self._places, self._starts = artifacts.places(), np.array(artifacts.starts())
        self._group = lru_cache(maxsize=1)(self._read)

    def _read(self, number: int) -> pa.Table:
        return self.artifacts.read_row_group(*self._places[number], COLUMNS)

    def rows(self, places: Int64[np.ndarray, "B"]) -> DecodedRows:
        """Return some rows, in the order of their places."""
        groups = np.searchsorted(self._starts, places, side="right") - 1
        within = zip(groups.tolist(), (places - self._starts[groups]).tolist(), strict=True)
        return DecodedRows(pa.concat_tables([self._group(group).slice(row, 1) for group, row in within]))

    def chain(self, passage: Passage) -> LinearChain:
        """Return the chains of the passage's places; emissions are in float16, as they are stored.

        Raises:
            SourceError: the set contains another sentence at a place.
        """
        rows = self.rows(passage.places)
        for place, sentence, found in zip(passage.places, passage.sentences, rows.tokens.to_pylist(), strict=True):
            if tuple(found) != sentence.tokens:
                raise SourceError(
                    f"{self.artifacts.folder}: row {place} is {' '.join(found)!r}, expected "
                    f"{' '.join(sentence.tokens)!r} as in the other sets; make all of them from the same text"
                )
        return LinearChain(
            emissions=torch.from_numpy(rows.emissions),
            transitions=self.transitions,
            start=self.start,
            end=self.end,
            lengths=torch.from_numpy(rows.lengths),
        )


class SetText:
    """The sentences of a set of one language, as a teacher reads them. One row group is in memory at a time."""

    def __init__(self, artifacts: ArtifactSet) -> None:
        (self.language,) = artifacts.manifest.languages
        self.split: Split = "train"  # which no message names: it is of text that `annotate` has checked
        self._artifacts, self._starts = artifacts, artifacts.starts()
        self._group = lru_cache(maxsize=1)(self._read)

    def __len__(self) -> int:
        return self._artifacts.rows

    def __getitem__(self, place: int) -> Sentence:
        number = bisect_right(self._starts, place) - 1
        return self._group(number)[place - self._starts[number]]

    def _read(self, number: int) -> list[Sentence]:
        rows = self._artifacts.read_row_group(*self._artifacts.places()[number], ("tokens", "gold"))
        decode = self._artifacts.header.label_set.decode
        cells = zip(rows["tokens"].to_pylist(), rows["gold"].to_pylist(), strict=True)
        return [Sentence(tuple(tokens), None if gold is None else decode(gold)) for tokens, gold in cells]
