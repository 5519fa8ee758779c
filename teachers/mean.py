"""The mean of several teachers, made from their artifact sets of the same text, without the teachers.

A mean of potentials (emissions, transitions, start and end scores) is a normalised product of experts: its probability
of a path is proportional to the geometric mean of the teachers' probabilities.
"""

from collections.abc import Sequence
from typing import overload

import numpy as np

from structkd.artifacts.reader import ArtifactSet
from structkd.teachers.annotate import TextRow
from structkd.teachers.sources.combine import Combination
from structkd.teachers.sources.config import SourceError
from structkd.teachers.sources.sets import SetSource, SetText


def mean_of(sets: Sequence[ArtifactSet]) -> tuple[Combination, "SetRows"]:
    """Return the mean of the teachers of some sets, and the sentences of these sets, for `annotate`.

    Raises:
        SourceError: sets of other labels, or of other text: another corpus, or the same one cut in another way.
    """
    first, *others = sets
    for other in others:
        for what, one, two in (
            ("labels", first.labels, other.labels),
            ("corpora", first.header.provenance.get("corpora"), other.header.provenance.get("corpora")),
            ("sentences", first.rows, other.rows),
        ):
            if one != two:
                raise SourceError(
                    f"{other.folder}: found {what} {two}, expected {one} as in {first.folder}; a mean is of teachers "
                    "with the same labels and of the same text: make both sets by one experiment"
                )
    sources = [SetSource(one) for one in sets]
    return Combination(sources, "product"), SetRows(sources)


class SetRows(Sequence[TextRow]):
    """The sentences of sets of the same text, in order.

    `seen` is True if one of the teachers was trained on a sentence, otherwise None if this is not known of one.
    """

    def __init__(self, sources: Sequence[SetSource]) -> None:
        self._sources, self._text = sources, SetText(sources[0].artifacts)

    def __len__(self) -> int:
        return len(self._text)

    @overload
    def __getitem__(self, place: int) -> TextRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[TextRow]: ...

    def __getitem__(self, place: int | slice) -> TextRow | list[TextRow]:
        if isinstance(place, int):
            return self[place : place + 1][0]
        places = np.arange(len(self))[place]
        found = [source.rows(places) for source in self._sources]
        ids, seen = found[0].sentence_id.tolist(), zip(*(one.seen for one in found), strict=True)
        return [
            TextRow(sentence_id, self._text, row, True if True in known else None if None in known else False)
            for sentence_id, row, known in zip(ids, places.tolist(), seen, strict=True)
        ]
