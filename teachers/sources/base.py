"""The protocol of teachers: a source gives a linear chain for sentences of a corpus."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from structkd.artifacts.ragged import length_mask
from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, Sentence, Sentences
from structkd.crf import LinearChain
from structkd.runtime.batches import length_batches
from structkd.tagger.prediction import BATCH_TOKENS

LOG_ZERO = -1e4
"""The log-probability of labels that a softmax teacher rules out: float16 holds it, and its exp is 0 in float64 too."""


@dataclass(frozen=True)
class Passage:
    """Sentences of a corpus that a source annotates at once, by their places in the corpus."""

    corpus: Sentences
    places: Int64[np.ndarray, "B"]

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences themselves, in the order of their places."""
        return tuple(self.corpus[place] for place in self.places.tolist())

    @cached_property
    def lengths(self) -> Int64[np.ndarray, "B"]:
        """Words in each sentence."""
        return np.array([len(sentence) for sentence in self.sentences], np.int64)

    def where(self, word: int) -> str:
        """Name a word by its index in all words of the passage: corpus, sentence and word, counted from 0."""
        ends = np.cumsum(self.lengths)
        row = int(np.searchsorted(ends, word, side="right"))
        within = word - int(ends[row] - self.lengths[row])
        found = self.sentences[row].tokens[within]
        return f"{self.corpus.language} {self.corpus.split}: sentence {self.places[row]}, word {within} ({found!r})"


@runtime_checkable
class TeacherSource(Protocol):
    """A teacher over the labels of a task, in the task's order.

    A softmax teacher is a chain whose transitions, start and end scores are zero.
    """

    @property
    def labels(self) -> LabelSet:
        """The task's labels."""

    @property
    def transitions(self) -> Float[Tensor, "L L"]:
        """The transition scores of all chains of the source, from (row) to (column)."""

    @property
    def start(self) -> Float[Tensor, "L"]:
        """Scores of a sentence's first label."""

    @property
    def end(self) -> Float[Tensor, "L"]:
        """Scores of a sentence's last label."""

    def chain(self, passage: Passage) -> LinearChain:
        """Return the distributions over the label sequences of the passage's sentences, without gradients."""


class SoftmaxSource:
    """The base of sources that give each word a distribution of its own."""

    def __init__(self, labels: LabelSet) -> None:
        L = len(labels)
        self.labels = labels
        self.transitions, self.start, self.end = torch.zeros(L, L), torch.zeros(L), torch.zeros(L)

    def _chain(self, log_probs: Float[np.ndarray, "N L"], lengths: Int64[np.ndarray, "B"]) -> LinearChain:
        """Return the chain with log-marginals `log_probs` at the words of all sentences, one after the other."""
        inside = length_mask(lengths, int(lengths.max(initial=0)))
        emissions = np.zeros((*inside.shape, len(self.labels)), np.float32)
        emissions[inside] = log_probs
        return LinearChain(
            emissions=torch.from_numpy(emissions),
            transitions=self.transitions,
            start=self.start,
            end=self.end,
            lengths=torch.from_numpy(lengths),
        )


def best_paths(teacher: TeacherSource, corpus: Corpus) -> list[tuple[str, ...]]:
    """Return the teacher's best label sequence of each sentence of a corpus, in order."""
    found: dict[int, tuple[str, ...]] = {}
    for places in length_batches([len(sentence) for sentence in corpus], BATCH_TOKENS):
        passage = Passage(corpus, places)
        paths = teacher.chain(passage).viterbi().tolist()
        for place, path, length in zip(places.tolist(), paths, passage.lengths.tolist(), strict=True):
            found[place] = teacher.labels.decode(path[:length])
    return [found[place] for place in range(len(corpus))]


def log_floored(probabilities: Float[np.ndarray, "*S L"]) -> Float[np.ndarray, "*S L"]:
    """Return log p, at least `LOG_ZERO`."""
    logs = np.full(probabilities.shape, LOG_ZERO, probabilities.dtype)
    np.log(probabilities, out=logs, where=probabilities > 0)
    return np.maximum(logs, LOG_ZERO)


def listed(names: Sequence[str]) -> str:
    """Return names in the form of an error."""
    return ", ".join(names) or "nothing"
