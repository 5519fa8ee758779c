"""Sentences for the page's browser."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from structkd.artifacts.inspection import PathView
from structkd.pipeline.report.page.errors import PageError


@dataclass(frozen=True)
class SentenceCard:
    """A sentence with its labels and posteriors. Raises PageError if a part is not as long as the sentence."""

    name: str
    """The sentence's name, such as its split and place."""
    language: str
    tokens: tuple[str, ...]
    gold: tuple[str, ...] | None
    labels: tuple[str, ...]
    """The L labels of its task."""
    paths: tuple[PathView, ...]
    """The teacher's paths, best first."""
    posteriors: tuple[tuple[float, ...], ...]
    """T times L probabilities of the teacher; none if they are not stored."""
    predictions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A student's labels by the name of its system."""
    seen: bool | None = None
    """True if the teacher was trained on it."""

    def __post_init__(self) -> None:
        self._check("gold", self.gold)
        self._check("posteriors", self.posteriors or None)
        for rank, path in enumerate(self.paths, 1):
            self._check(f"path {rank}", path.labels)
        for system, labels in self.predictions.items():
            self._check(system, labels)
        for place, row in enumerate(self.posteriors):
            if len(row) != len(self.labels) or not all(map(isfinite, row)):
                raise PageError(f"{self._place}: word {place} needs {len(self.labels)} finite posteriors, found {row}")

    def _check(self, what: str, found: tuple[Any, ...] | None) -> None:
        if found is not None and len(found) != len(self.tokens):
            raise PageError(f"{self._place}: {what} is for {len(found)} words, the sentence has {len(self.tokens)}")

    @property
    def _place(self) -> str:
        return f"sentence {self.name} ({self.language})"


def payload(cards: tuple[SentenceCard, ...]) -> dict[str, Any]:
    """Return the data of the browser's script: label ids over one list of names, posteriors in thousandths."""
    names = dict.fromkeys(name for card in cards for name in _names(card))
    ids = {name: place for place, name in enumerate(names)}
    return {"labels": list(names), "cards": [_packed(card, ids) for card in cards]}


def _names(card: SentenceCard) -> list[str]:
    sequences = [card.labels, card.gold or (), *(path.labels for path in card.paths), *card.predictions.values()]
    return [name for labels in sequences for name in labels]


def _packed(card: SentenceCard, ids: Mapping[str, int]) -> dict[str, Any]:
    def pack(labels: tuple[str, ...]) -> list[int]:
        return [ids[name] for name in labels]

    return {
        "name": card.name,
        "language": card.language,
        "seen": card.seen,
        "tokens": card.tokens,
        "labels": pack(card.labels),
        "gold": None if card.gold is None else pack(card.gold),
        "paths": [
            {"labels": pack(path.labels), "p": round(path.probability, 4), "w": round(path.weight, 4)}
            for path in card.paths
        ],
        "posteriors": [[round(1000 * value) for value in row] for row in card.posteriors],
        "predictions": {system: pack(labels) for system, labels in card.predictions.items()},
    }
