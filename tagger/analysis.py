"""A tagger's errors: scores by type, what is taken for what, and intervals over sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from structkd.runtime.spans import Scheme, WordSpan, strict_spans

Labels = Sequence[Sequence[str]]
MISSED, INVENTED = "(missed)", "(invented)"
_SAMPLES = 1000


@dataclass(frozen=True)
class TypeScore:
    """Precision, recall and F1 in percent, and the numbers behind them."""

    right: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        """Share of predictions that are right; 0 if there are none."""
        return 100 * self.right / max(1, self.predicted)

    @property
    def recall(self) -> float:
        """Share of gold that is found; 0 if there is none."""
        return 100 * self.right / max(1, self.gold)

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 200 * self.right / max(1, self.predicted + self.gold)

    def __add__(self, other: "TypeScore") -> "TypeScore":
        """Return the score of both together."""
        return TypeScore(self.right + other.right, self.predicted + other.predicted, self.gold + other.gold)


@dataclass(frozen=True)
class Analysis:
    """The errors on a corpus. The units are spans, or words with their tags."""

    types: Mapping[str, TypeScore]
    words: float
    """Share of words with the right label, in percent."""
    errors: Mapping[str, int]
    """Gold spans found with another type, with other borders, with both, or missed; spans invented."""
    confusion: Mapping[tuple[str, str], int]
    """Gold type (or INVENTED) and predicted type (or MISSED) of units that belong together."""
    by_sentence: np.ndarray = field(repr=False)
    """The numbers of right, predicted and gold units of each sentence: [N, 3]."""

    @property
    def micro(self) -> TypeScore:
        """The score of all units together."""
        return micro(self.types)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the types that gold has."""
        return macro_f1(self.types)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the micro F1 over resampled sentences (percentile bootstrap)."""
        return _interval(self.by_sentence)


def micro(types: Mapping[str, TypeScore]) -> TypeScore:
    """Return the score of all types together."""
    return sum(types.values(), TypeScore(0, 0, 0))


def macro_f1(types: Mapping[str, TypeScore]) -> float:
    """Return the mean F1 of the types that gold has; 0 if there are none."""
    known = [score.f1 for score in types.values() if score.gold]
    return sum(known) / max(1, len(known))


def analyse(gold: Labels, predicted: Labels, scheme: Scheme | None) -> Analysis:
    """Compare two label sequences of each sentence.

    A predicted span belongs to the gold span with which it shares most words; of equal ones, to the first.

    Args:
        scheme: spans' scheme; None for tags.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("right", "predicted", "gold")}
    errors: Counter[str] = Counter()
    confusion: Counter[tuple[str, str]] = Counter()
    by_sentence = np.zeros((len(gold), 3))
    for place, (truth, found) in enumerate(zip(gold, predicted, strict=True)):
        ours, theirs = units_of(truth, scheme), units_of(found, scheme)
        known = set(theirs)
        right = [one for one in ours if one in known]
        for name, units in (("right", right), ("predicted", theirs), ("gold", ours)):
            counts[name].update(unit.type for unit in units)
        by_sentence[place] = len(right), len(theirs), len(ours)
        for one, other, kind in _pairs(ours, theirs) if scheme else _tag_pairs(truth, found):
            confusion[one, other] += 1
            errors[kind] += 1
    names = sorted(set(counts["gold"]) | set(counts["predicted"]))
    agreed = [
        one == other
        for truth, found in zip(gold, predicted, strict=True)
        for one, other in zip(truth, found, strict=True)
    ]
    return Analysis(
        {name: TypeScore(*(counts[key][name] for key in ("right", "predicted", "gold"))) for name in names},
        words=100 * sum(agreed) / max(1, len(agreed)),
        errors={kind: errors[kind] for kind in KINDS if errors[kind]},
        confusion=dict(confusion),
        by_sentence=by_sentence,
    )


_KINDS = {  # by whether type and borders are right
    (True, True): "right",
    (False, True): "type",
    (True, False): "borders",
    (False, False): "type and borders",
}
KINDS = (*_KINDS.values(), "missed", "invented")
"""The kinds of units: right ones, and errors."""


def units_of(labels: Sequence[str], scheme: Scheme | None) -> list[WordSpan]:
    """Return the scored units of a label sequence: its spans, or each word with its tag."""
    if scheme is None:
        return [WordSpan(place, place + 1, label) for place, label in enumerate(labels)]
    return strict_spans(labels, scheme)


def _tag_pairs(gold: Sequence[str], predicted: Sequence[str]) -> list[tuple[str, str, str]]:
    return [(one, other, _KINDS[one == other, True]) for one, other in zip(gold, predicted, strict=True)]


def _pairs(gold: Sequence[WordSpan], predicted: Sequence[WordSpan]) -> list[tuple[str, str, str]]:
    """Match spans: the types of both, and the kind of error."""
    found, taken = [], set[int]()
    for one in gold:
        shared = [_shared(one, other) for other in predicted]
        best = max(range(len(predicted)), key=lambda place: (shared[place], -place), default=None)
        if best is None or not shared[best]:
            found.append((one.type, MISSED, "missed"))
            continue
        other = predicted[best]
        taken.add(best)
        borders = (one.start, one.end) == (other.start, other.end)
        found.append((one.type, other.type, _KINDS[one.type == other.type, borders]))
    return found + [(INVENTED, other.type, "invented") for place, other in enumerate(predicted) if place not in taken]


def _shared(one: WordSpan, other: WordSpan) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _interval(by_sentence: np.ndarray) -> tuple[float, float]:
    """Resample sentences; the same corpus gives the same interval."""
    size = len(by_sentence)
    generator = np.random.default_rng(0)
    scores = np.empty(_SAMPLES)
    for place in range(_SAMPLES):
        right, predicted, gold = by_sentence[generator.integers(0, size, size)].sum(0)
        scores[place] = 200 * right / max(1, predicted + gold)
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)
