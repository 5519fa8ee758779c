"""A teacher's hidden states: their principal components, and a source that gives them beside its chain."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from structkd.artifacts.hidden import HiddenBasis
from structkd.corpora.sentences import Corpus
from structkd.crf import LinearChain
from structkd.runtime.batches import length_batches
from structkd.tagger.components import principal_components
from structkd.tagger.model import Tagger
from structkd.tagger.prediction import BATCH_TOKENS
from structkd.tagger.tokens import TokenBatch
from structkd.teachers.sources.base import Passage
from structkd.teachers.sources.config import SourceError
from structkd.teachers.sources.tagger import TaggerSource


class HiddenSource(TaggerSource):
    """A tagger of this project whose artifact sets contain hidden states, by their `basis`."""

    def __init__(self, tagger: Tagger, basis: HiddenBasis) -> None:
        super().__init__(tagger)
        self.basis = basis
        self._mean, self._rows = (torch.from_numpy(array).to(tagger.device) for array in basis.arrays)

    @torch.no_grad()
    def chain_and_hidden(self, passage: Passage) -> tuple[LinearChain, Float[Tensor, "B T D"]]:
        """Return the tagger's chain, and its states of words in the basis, from one pass."""
        tokens = TokenBatch.from_sentences(sentence.tokens for sentence in passage.sentences)
        states = self._tagger.states(tokens)
        hidden: Tensor = (states.float() - self._mean) @ self._rows.T
        return self._ordered(self._tagger.chain_from(states, tokens)), hidden


@torch.no_grad()
def fit_basis(tagger: Tagger, corpus: Corpus, dim: int) -> HiddenBasis:
    """Return the basis of the `dim` directions in which the tagger's states of the corpus's words vary most.

    It is a function of tagger and corpus: covariances are summed in float64, and each direction's largest number is
    positive.

    Raises:
        SourceError: the states have fewer dimensions.
    """
    tagger.eval()
    total, products, words = 0.0, 0.0, 0
    for places in length_batches([len(sentence) for sentence in corpus], BATCH_TOKENS):
        found = _states(tagger, [corpus[place].tokens for place in places]).cpu().double().numpy()
        total, products, words = total + found.sum(0), products + found.T @ found, words + len(found)
    mean = np.asarray(total / words)
    if dim > len(mean):
        raise SourceError(
            f"teacher.annotation.hidden: found {dim}, but the {corpus.language} teacher's states have {len(mean)} "
            "dimensions; lower it"
        )
    covariance = np.asarray(products / words) - np.outer(mean, mean)
    return HiddenBasis.of(mean, principal_components(covariance, dim))


def _states(tagger: Tagger, sentences: Sequence[tuple[str, ...]]) -> Float[Tensor, "N S"]:
    tokens = TokenBatch.from_sentences(sentences)
    inside = torch.arange(int(tokens.lengths.max())) < tokens.lengths[:, None]
    return tagger.states(tokens)[inside.to(tagger.device)]
