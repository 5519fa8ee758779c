"""Scores by how often words were seen in training."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from structkd.runtime.spans import Scheme, WordSpan
from structkd.tagger.analysis import Labels, TypeScore, units_of

BANDS = {"never": 0, "1 to 9 times": 1, "10 times or more": 10}
"""From the number of times on."""


def word_counts(sentences: Iterable[Sequence[str]]) -> Counter[str]:
    """Return how often each word, as it is written, stands in some sentences."""
    return Counter(word for words in sentences for word in words)


def by_frequency(
    sentences: Sequence[Sequence[str]],
    gold: Labels,
    predicted: Labels,
    scheme: Scheme | None,
    counts: Mapping[str, int],
) -> dict[str, TypeScore]:
    """Return the score of each band of `BANDS`. The rarest word of a span decides.

    Args:
        sentences: the words of each sentence.
        scheme: spans' scheme; None for tags.
        counts: how often each word was seen in training; others were never seen.
    """
    found = dict.fromkeys(BANDS, TypeScore(0, 0, 0))
    for words, truth, labels in zip(sentences, gold, predicted, strict=True):
        ours, theirs = set(units_of(truth, scheme)), set(units_of(labels, scheme))
        for one in ours | theirs:
            added = TypeScore(one in ours and one in theirs, one in theirs, one in ours)
            found[_band(words, one, counts)] += added
    return found


def _band(words: Sequence[str], span: WordSpan, counts: Mapping[str, int]) -> str:
    rarest = min(counts.get(word, 0) for word in words[span.start : span.end])
    return max((name for name, least in BANDS.items() if rarest >= least), key=BANDS.__getitem__)
