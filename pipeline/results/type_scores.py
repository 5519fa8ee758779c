"""Scores of each type of span, or each tag."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from structkd.runtime.spans import Scheme, strict_spans

Labels = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Counts:
    """The numbers of right, predicted and gold spans, or words."""

    right: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        """Percent; 0 if nothing is predicted."""
        return 100 * self.right / max(1, self.predicted)

    @property
    def recall(self) -> float:
        """Percent; 0 if there is nothing to find."""
        return 100 * self.right / max(1, self.gold)

    @property
    def f1(self) -> float:
        """Percent; of all words together it is the accuracy."""
        return 200 * self.right / max(1, self.predicted + self.gold)


def type_scores(gold: Labels, predicted: Labels, scheme: Scheme | None) -> dict[str, Counts]:
    """Return the counts of all units under "", and of each type in the order of their names.

    Args:
        scheme: of spans; None for labels of words.
    """
    sums = [Counter[str](), Counter[str](), Counter[str]()]
    for one, other in zip(gold, predicted, strict=True):
        wanted, found = _units(one, scheme), _units(other, scheme)
        for counter, units in zip(sums, (wanted & found, found, wanted), strict=True):
            counter.update(kind for *_, kind in units)
    types = sorted(sums[1] | sums[2])
    return {"": Counts(*(counter.total() for counter in sums))} | {
        name: Counts(*(counter[name] for counter in sums)) for name in types
    }


def _units(labels: Sequence[str], scheme: Scheme | None) -> set[tuple[int, int, str]]:
    if scheme is None:
        return {(place, place + 1, label) for place, label in enumerate(labels)}
    return {(span.start, span.end, span.type) for span in strict_spans(labels, scheme)}
