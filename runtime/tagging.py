"""Tagging text: words, labels, entities and their probabilities, from whatever gives scores.

An exported student gives them by onnxruntime, a checkpoint by torch. All else is here, once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .batches import length_batches
from .chain import Chain, ChainBatch, Path
from .spans import Scheme, WordSpan, may_follow, strict_spans
from .splitting import Word, split

BATCH_TOKENS = 4096
WINDOW = 500
"""Words of a text that are labelled as one sentence, at most: time and memory grow faster than length."""


@runtime_checkable
class Scorer(Protocol):
    """A trained network with its chain."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of their ids."""

    @property
    def scheme(self) -> Scheme | None:
        """The scheme in which labels write spans; None for labels of words, such as parts of speech."""

    @property
    def chain(self) -> Chain:
        """The chain of the labels, at its temperature."""

    def emissions(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Return the scores [B, T, L] of a batch of sentences, each with at least one word; anything at padding."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A span of words: `text` is `text[start:end]` of the tagged text, counted in characters."""

    type: str
    text: str
    start: int
    end: int
    first: int
    """Its first word."""
    last: int
    """The word after its last."""
    probability: float
    """The probability of exactly this span, over all label sequences."""


@dataclass(frozen=True, slots=True)
class Labeling:
    """One label sequence of a text, and its probability among all."""

    labels: tuple[str, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a tagger says of one text.

    `labels` is the best label sequence, and `probabilities` has the marginal probability q(y_i | x) of each of its
    labels. A text without words has nothing.
    """

    text: str
    words: tuple[Word, ...]
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    entities: tuple[Entity, ...] = ()
    labelings: tuple[Labeling, ...] = ()
    """The k best label sequences, best first, if they were wanted."""
    marginals: NDArray[np.float64] | None = None
    """[words, labels], the probability of each label at each word, if they were wanted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to return beside labels and entities."""

    threshold: float = 0.0
    """The lowest probability of an entity; less probable ones are left out."""
    k: int = 0
    """Number of best label sequences."""
    marginals: bool = False


class TextTagger:
    """A tagger of texts.

    Example:
        >>> tagger = load("exported")
        >>> [(entity.type, entity.text) for entity in tagger.tag(["Ada flew to Oslo."])[0].entities]
        [('PER', 'Ada'), ('LOC', 'Oslo')]
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self._follows: dict[str, list[bool]] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of `Tagged.marginals`."""
        return self.scorer.labels

    def tag(
        self,
        texts: Iterable[str],
        wanted: Wanted = Wanted(),  # it is frozen
        *,
        words_of: Callable[[str], Sequence[Word]] = split,
    ) -> list[Tagged]:
        """Return what it says of each text, in order.

        Args:
            words_of: splits a text into words; `split_blanks` for text that is split already.

        Raises:
            SplittingError: a script that needs a dictionary, if ICU is not installed.
        """
        if isinstance(texts, str):
            raise TypeError(f"found the string {texts[:40]!r}, expected texts, as in [text]")
        given = list(texts)
        return self.tag_words(given, [words_of(text) for text in given], wanted)

    def tag_sentences(
        self,
        sentences: Iterable[Sequence[str]],
        wanted: Wanted = Wanted(),
    ) -> list[Tagged]:
        """Return what it says of sentences that are split into words; their text is the words with blanks between."""
        given = list(sentences)
        for place, words in enumerate(given):
            if isinstance(words, str):
                raise TypeError(f"sentence {place}: found the string {words[:40]!r}, expected its words")
        return self.tag_words([" ".join(words) for words in given], [placed(words) for words in given], wanted)

    def tag_words(self, texts: Sequence[str], words: Sequence[Sequence[Word]], wanted: Wanted) -> list[Tagged]:
        """Return what it says of texts whose words have been found."""
        windows = [(place, first) for place, one in enumerate(words) for first in range(0, len(one), WINDOW)]
        pieces = [words[place][first : first + WINDOW] for place, first in windows]
        found: dict[tuple[int, int], _Window] = {}
        for group in length_batches([len(piece) for piece in pieces], BATCH_TOKENS):
            batch = [pieces[place] for place in group]
            for place, window in zip(group, self._windows(batch, wanted), strict=True):
                found[windows[place]] = window
        return [
            self._joined(text, one, [(first, found[place, first]) for first in range(0, len(one), WINDOW)], wanted)
            for place, (text, one) in enumerate(zip(texts, words, strict=True))
        ]

    def _windows(self, batch: Sequence[Sequence[Word]], wanted: Wanted) -> Iterator["_Window"]:
        lengths = np.fromiter(map(len, batch), np.int64, len(batch))
        emissions = self.scorer.emissions([[word.text for word in piece] for piece in batch])
        chains = self.scorer.chain.on(emissions, lengths)
        paths = chains.viterbi()
        names = self.labels
        labels = [tuple([names[label] for label in path.tolist()]) for path in paths]
        chances, spans = chains.chances(paths), self._spans(chains, paths, labels)
        for place, one in enumerate(labels):
            yield _Window(
                labels=one,
                chances=chances[place],
                spans=spans[place],
                paths=chains.kbest(place, wanted.k) if wanted.k else [],
                marginals=chains.marginals[place, : len(one)] if wanted.marginals else None,
            )

    def _spans(
        self, chains: ChainBatch, paths: Sequence[NDArray[np.int64]], labels: Sequence[Sequence[str]]
    ) -> list[list[tuple[WordSpan, float]]]:
        """Return the spans of each sentence's labels, and their probabilities."""
        scheme = self.scorer.scheme
        if scheme is None:
            return [[] for _ in labels]
        spans = [strict_spans(one, scheme) for one in labels]
        placed = [(place, span) for place, some in enumerate(spans) for span in some]
        chances = chains.span_log_probs(
            [place for place, _ in placed],
            [span.start for _, span in placed],
            [paths[place][span.start : span.end] for place, span in placed],
            np.array([self._after(span, scheme) for _, span in placed]),
        )
        rest = iter(np.exp(chances).tolist())
        return [[(span, next(rest)) for span in some] for some in spans]

    def _after(self, span: WordSpan, scheme: Scheme) -> list[bool]:
        """True for each label that may follow a span; it depends on the type alone."""
        if span.type not in self._follows:
            self._follows[span.type] = [may_follow(span, label, scheme) for label in self.labels]
        return self._follows[span.type]

    def _joined(
        self, text: str, words: Sequence[Word], windows: Sequence[tuple[int, "_Window"]], wanted: Wanted
    ) -> Tagged:
        """Put the windows of a text together."""
        entities = [
            _entity(text, words, WordSpan(first + span.start, first + span.end, span.type), chance)
            for first, window in windows
            for span, chance in window.spans
            if chance >= wanted.threshold
        ]
        paths: list[Path] = [Path((), 0.0)] if windows and wanted.k else []
        for _, window in windows:
            paths = _products(paths, window.paths, wanted.k)
        return Tagged(
            text=text,
            words=tuple(words),
            labels=tuple([label for _, window in windows for label in window.labels]),
            probabilities=tuple([chance for _, window in windows for chance in window.chances]),
            entities=tuple(entities),
            labelings=tuple(
                Labeling(tuple(self.labels[label] for label in path.labels), exp(path.log_prob)) for path in paths
            ),
            marginals=np.concatenate([np.zeros((0, len(self.labels))), *(one.marginals for _, one in windows)])
            if wanted.marginals
            else None,
        )


@dataclass(frozen=True, slots=True)
class _Window:
    """What the chain says of up to `WINDOW` words."""

    labels: tuple[str, ...]
    chances: list[float]
    spans: list[tuple[WordSpan, float]]
    paths: list[Path]
    marginals: NDArray[np.float64] | None


def _products(left: Sequence[Path], right: Sequence[Path], k: int) -> list[Path]:
    """The k best paths through two windows, which are independent."""
    best = sorted(product(left, right), key=lambda pair: -(pair[0].log_prob + pair[1].log_prob))[:k]
    return [Path(a.labels + b.labels, a.log_prob + b.log_prob) for a, b in best]


def _entity(text: str, words: Sequence[Word], span: WordSpan, chance: float) -> Entity:
    start, end = words[span.start].start, words[span.end - 1].end
    return Entity(span.type, text[start:end], start, end, span.start, span.end, chance)


def placed(words: Sequence[str]) -> list[Word]:
    """Return the words of a sentence with their places in its text, which has blanks between them."""
    found, start = [], 0
    for word in words:
        found.append(Word(word, start, start + len(word)))
        start += len(word) + 1
    return found
