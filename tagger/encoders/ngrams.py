"""Words by their hashed character n-grams, without a vocabulary."""

from typing import Literal

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from tagger.subwords import bag_mean, ngram_hashes
from tagger.tokens import TokenBatch


class HashedNgramsConfig(BaseModel):
    """Settings of `HashedNgrams`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["ngrams"] = "ngrams"
    dim: int = Field(100, ge=1, description="size of the embeddings")
    buckets: int = Field(50_000, ge=1, description="embeddings that all n-grams share by their hashes")
    min_n: int = Field(3, ge=1, description="characters of the shortest n-grams, the marks at both ends counted")
    max_n: int = Field(6, ge=1, description="characters of the longest n-grams")

    @model_validator(mode="after")
    def _lengths_in_order(self) -> "HashedNgramsConfig":
        if self.max_n < self.min_n:
            raise ValueError(f"max_n = {self.max_n} is below min_n = {self.min_n}; no n-gram has such a length")
        return self


class HashedNgrams(nn.Module):
    """The mean embedding of a word's n-grams and of the word itself, each in the bucket of its hash.

    Bojanowski et al., 2017 (fastText), with the whole word hashed too, so that no vocabulary is kept and every word has
    a vector. The same word has the same buckets in every process.
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
        return nn.functional.embedding(tokens.index.to(vectors.device), vectors)
