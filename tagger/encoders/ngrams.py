"""An encoder of words by hashed character n-grams, without a vocabulary."""

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from structkd.runtime.ngrams import ngram_hashes
from structkd.tagger.bags import bag_mean
from structkd.tagger.config import HashedNgramsConfig
from structkd.tagger.encoders.base import Encoder, placed
from structkd.tagger.tokens import TokenBatch


class HashedNgrams(Encoder):
    """The mean embedding of a word's n-grams and of the word itself, each in the bucket of its hash.

    Bojanowski et al., 2017 (fastText). The whole word is hashed too, so no vocabulary is needed and every word has a
    vector. The same word has the same buckets in every process.
    """

    def __init__(self, config: HashedNgramsConfig) -> None:
        super().__init__()
        self.config = config
        self.dim = config.dim
        self.buckets = nn.Embedding(config.buckets, config.dim)
        # A mean of n independent vectors shrinks by sqrt(n); a word has about 16 n-grams. Words then spread by 0.1.
        nn.init.normal_(self.buckets.weight, std=0.4)

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        hashes, owners = ngram_hashes(tokens.words, self.config.min_n, self.config.max_n, whole=True)
        rows = hashes.astype(np.int64) % self.config.buckets
        vectors = bag_mean(self.buckets.weight, rows, owners, len(tokens.words))
        return placed(vectors, tokens)
