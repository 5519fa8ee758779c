"""A neural tagger: encoders, a BiLSTM and a linear chain on top (Huang et al., 2015)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from structkd.corpora.labels import LabelSet
from structkd.crf import LinearChain
from structkd.tagger.bilstm import BiLSTM
from structkd.tagger.config import TaggerConfig
from structkd.tagger.dropout import Dropout
from structkd.tagger.encoders.base import Encoder
from structkd.tagger.encoders.stack import Stack
from structkd.tagger.encoders.static import StaticVectors
from structkd.tagger.features import FeatureSet
from structkd.tagger.tokens import TokenBatch
from structkd.tagger.vocabulary import Vocabulary

CHAIN = ("transitions", "start", "end")


class Tagger(nn.Module):
    """A tagger: sentences in, a distribution over their label sequences out.

    Raises:
        EncoderError: a pretrained encoder that is missing or cannot be loaded.
    """

    def __init__(self, config: TaggerConfig, vocabulary: Vocabulary, labels: LabelSet) -> None:
        super().__init__()
        self.config, self.vocabulary, self.labels = config, vocabulary, labels
        self.encoder = Stack(config.encoders, vocabulary)
        self.dropout = Dropout(config.dropout)
        self.context = BiLSTM(self.encoder.dim, config.hidden, config.layers, config.dropout) if config.hidden else None
        self.projection = nn.Linear(self.context.dim if self.context else self.encoder.dim, len(labels))
        self.transitions = nn.Parameter(torch.zeros(len(labels), len(labels)))
        self.start = nn.Parameter(torch.zeros(len(labels)))
        self.end = nn.Parameter(torch.zeros(len(labels)))

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.transitions.device

    @property
    def parameter_count(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def attach(self, sets: Sequence[FeatureSet]) -> None:
        """Let frozen encoders read features from `sets`; missing features are computed."""
        for module in self.modules():
            if isinstance(module, Encoder):
                module.attach(sets)

    def known_words(self, words: Sequence[str]) -> dict[str, int]:
        """Return the number of the given words in each file of vectors, by its path."""
        files = (module for module in self.modules() if isinstance(module, StaticVectors))
        return {file.config.path: file.known(words) for file in files}

    def weights(self) -> dict[str, Tensor]:
        """Return the trained weights by name, without the unchanged ones of a pretrained encoder's folder."""
        fixed = {name for name, parameter in self.named_parameters() if not parameter.requires_grad}
        return {name: tensor for name, tensor in self.state_dict().items() if name not in fixed}

    def set_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Set weights returned by `weights`. Raises RuntimeError if names, shapes or types differ.

        Tensors on the `meta` device, which have only a size, are replaced by those of `weights`.
        """
        own = self.weights()
        if own.keys() != weights.keys():
            raise RuntimeError(f"names differ: {sorted(own.keys() ^ weights.keys())}")
        if other := [name for name, tensor in own.items() if tensor.dtype != weights[name].dtype]:
            raise RuntimeError(f"types differ: {other}")
        self.load_state_dict(weights, strict=False, assign=any(tensor.is_meta for tensor in own.values()))

    def forward(self, tokens: TokenBatch) -> LinearChain:
        """Return the distribution over label sequences for each sentence of a batch."""
        return self.chain_from(self.states(tokens), tokens)

    def states(self, tokens: TokenBatch) -> Float[Tensor, "B T S"]:
        """Return the last hidden state of each word, from which emission scores are computed."""
        vectors: Tensor = self.dropout(self.encoder(tokens))
        if self.context is not None:
            vectors = self.context(vectors, tokens.lengths.to(self.device))
        return vectors

    def chain_from(self, states: Float[Tensor, "B T S"], tokens: TokenBatch) -> LinearChain:
        """Return the distribution over label sequences from the `states` of the same sentences."""
        return LinearChain(
            emissions=self.projection(states),
            transitions=self.transitions,
            start=self.start,
            end=self.end,
            lengths=tokens.lengths.to(self.device),
        )
