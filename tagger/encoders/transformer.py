"""Pretrained encoders of Hugging Face transformers: frozen, with features from disk, or fine-tuned."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from structkd.runtime.windows import ALIKE, WindowGrid
from structkd.tagger.config import TransformerConfig
from structkd.tagger.devices import mixed_precision, precision_on
from structkd.tagger.dropout import replace_dropout
from structkd.tagger.encoders.base import Encoder
from structkd.tagger.encoders.loading import library, load_tokenizer, make_pieces, missing_weights
from structkd.tagger.encoders.pieces import by_word, inputs
from structkd.tagger.encoders.pretrained import EncoderError, features_digest, find_pretrained
from structkd.tagger.features import FeatureSet, read_features, write_features
from structkd.tagger.tokens import TokenBatch

# Encoders whose n-th layer is the last of a model with n layers: what is above the highest wanted one is not loaded.
_PLAIN = ("bert", "roberta", "xlm-roberta", "camembert", "electra")
LAUNCHES = 4.0  # of `alike` on a GPU, where a pass costs its launches, however much of it is padding
_LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")


class TransformerBody(nn.Module):
    """An encoder from words to the chosen layers' vectors of their subwords.

    Words are cut one by one; a sentence longer than the window is read in overlapping windows, see `Pieces`.

    Raises:
        EncoderError: the model is not there, cannot be read, or has no such layer; or transformers is not installed.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.model, tokenizer = _load(config)
        size: Any = self.model.config
        self.layers = _layers(config, size.structkd_layers)
        self.pieces = make_pieces(self.model, tokenizer, config.window)
        self.dim = int(size.hidden_size)

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T N D"]:
        """Return vectors of the N layers; 0 at padding."""
        device = next(self.model.parameters()).device
        windows = self.pieces.windows(tokens, LAUNCHES if device.type == "cuda" else ALIKE)
        found = torch.cat([self._states(grid, device) for grid in windows.grids])
        words = by_word(found.float(), windows, self.config.subwords)
        B, T = tokens.index.shape
        inside = torch.arange(T) < tokens.lengths[:, None]
        vectors = words.new_zeros(B, T, len(self.layers), self.dim)
        vectors[inside.to(device)] = words
        return vectors

    def _states(self, grid: WindowGrid, device: torch.device) -> Float[Tensor, "P N D"]:
        with mixed_precision(device, self.config.precision):
            states = self.model(**inputs(grid, device), output_hidden_states=True).hidden_states
        return torch.stack([states[layer].flatten(0, 1) for layer in self.layers], 1)


class Mix(nn.Module):
    """Combination of several layers' vectors: side by side, their mean, or a learned weighted mean."""

    def __init__(self, config: TransformerConfig, dim: int) -> None:
        super().__init__()
        self.kind, self.dim = config.mix, dim * (len(config.layers) if config.mix == "concat" else 1)
        if self.kind == "scalar":
            self.weights, self.scale = nn.Parameter(torch.zeros(len(config.layers))), nn.Parameter(torch.ones(()))

    def forward(self, vectors: Float[Tensor, "B T N D"]) -> Float[Tensor, "B T M"]:
        """Mix the layers."""
        if self.kind == "concat":
            return vectors.flatten(2)
        if self.kind == "mean":
            return vectors.mean(2)
        mixed: Tensor = self.scale * torch.einsum("btnd,n->btd", vectors, self.weights.softmax(0))
        return mixed


class FineTuned(Encoder):
    """A pretrained encoder that is trained further, from its folder's weights.

    Untrained weights (by default the subwords' embeddings) are not in `state_dict`: a checkpoint contains only the
    trained weights, and names the folder by digest.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.body = TransformerBody(config)
        replace_dropout(self.body)
        self.mix = Mix(config, self.body.dim)
        self.dim = self.mix.dim
        self.body.model.get_input_embeddings().requires_grad_(config.train_embeddings)
        if config.checkpointing:
            with library(config.model):
                self.body.model.activation_checkpointing_enable({"use_reentrant": False})
                self.body.model.config.use_cache = False  # of which transformers warns otherwise
        self._depths = self._find_depths()

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        mixed: Tensor = self.mix(self.body(tokens))
        return mixed

    def learning_rates(self) -> Iterator[tuple[str, float]]:
        """Yield the learning rate of each trained parameter: lower by `layer_decay` with each layer further down."""
        for name, parameter in self.named_parameters():
            if parameter.requires_grad and name in self._depths:  # the mix starts from nothing
                yield name, self.config.learning_rate * self.config.layer_decay ** self._depths[name]

    def _find_depths(self) -> dict[str, int]:
        """Return the number of layers that each parameter is below the highest layer in use."""
        top = max(1, *self.body.layers)
        found = {name: _LAYER.search(name) for name, _ in self.named_parameters() if name.startswith("body.")}
        if self.config.layer_decay < 1 and not any(found.values()):
            raise EncoderError(
                f"{self.config.model}: layer_decay is {self.config.layer_decay}, but the encoder "
                f"({self.body.model.config.model_type}) has no layers of its own that could be told apart; set it to 1"
            )
        depths = {name: max(0, top - 1 - int(layer[1])) if layer else 0 for name, layer in found.items()}
        tables = [name for name, module in self.named_modules() if isinstance(module, nn.Embedding)]
        lowest = {name for name in depths if "embed" in name or name.rpartition(".")[0] in tables}
        return depths | dict.fromkeys(lowest, top)


class Frozen(Encoder):
    """A pretrained encoder that does not change. Its features come from `FeatureSet`s that contain the sentence.

    The model is loaded only for a sentence that no set contains. Its weights are not in `state_dict`.
    """

    _device: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.identity = features_digest(config)
        self._sets: list[FeatureSet] = []
        self._body: list[TransformerBody] = []  # in a list, so that it is no submodule
        width, self.layers = _size(config)
        self.mix = Mix(config, width)
        self.dim, self.width = self.mix.dim, width
        self.register_buffer("_device", torch.zeros(0), persistent=False)

    @property
    def precision(self) -> str:
        """The precision of its passes on its device, by torch's name."""
        return str(precision_on(self._device.device, self.config.precision)).removeprefix("torch.")

    def attach(self, sets: Sequence[FeatureSet]) -> None:
        """Use those of `sets` that contain this encoder's features."""
        self._sets = [one for one in sets if one.encoder == self.identity]

    def forward(self, tokens: TokenBatch) -> Float[Tensor, "B T D"]:
        """See `Encoder`."""
        features = self.features(tokens).to(self._device.device)
        B, T, _ = features.shape
        mixed: Tensor = self.mix(features.float().view(B, T, self.layers, self.width))
        return mixed

    def features(self, tokens: TokenBatch) -> Float[Tensor, "B T F"]:
        """Return float16 features, F = layers x width; 0 at padding. Stored features are read, others computed."""
        B, T = tokens.index.shape
        features = torch.zeros(B, T, self.layers * self.width, dtype=torch.float16)
        missing = read_features(self._sets, tokens, features.numpy())
        if len(missing):
            features[missing] = self._computed(tokens.take(missing), T)
        return features

    def write_features(self, path: Path, sentences: Sequence[Sequence[str]], log: Callable[[int], None]) -> None:
        """Run over a corpus once and store the features, see `tagger.features.write_features`."""

        def compute(tokens: TokenBatch) -> np.ndarray:
            return self.features(tokens).numpy()

        width = self.layers * self.width
        write_features(path, sentences, compute, encoder=self.identity, width=width, log=log)

    @torch.no_grad()
    def _computed(self, tokens: TokenBatch, width: int) -> Float[Tensor, "B T F"]:
        if not self._body:
            self._body.append(TransformerBody(self.config).eval())
        vectors = self._body[0].to(self._device.device)(tokens)
        if self.config.mix == "mean":
            vectors = vectors.mean(2, keepdim=True)
        features = nn.functional.pad(vectors.flatten(2), (0, 0, 0, width - vectors.shape[1])).half().cpu()
        if not features.isfinite().all():
            raise EncoderError(
                f"{self.config.model}: layers {self.config.layers} give numbers beyond float16 (65504) or none at all; "
                "features are kept in float16: choose other layers, or fine-tune the encoder (frozen = false)"
            )
        return features


def check_transformer(config: TransformerConfig) -> None:
    """Raise EncoderError for faults of an encoder that show without its weights: no such layer, no tokeniser."""
    _size(config)
    with library(config.model) as transformers:
        load_tokenizer(transformers, find_pretrained(config.model))


def _size(config: TransformerConfig) -> tuple[int, int]:
    """Return the width and the number of layers of a frozen encoder's features, without loading its weights."""
    with library(config.model) as transformers:
        size = _read_size(transformers, find_pretrained(config.model))
    layers = _layers(config, int(size.num_hidden_layers))
    return int(size.hidden_size), 1 if config.mix == "mean" else len(layers)


def _read_size(transformers: Any, folder: Path) -> Any:
    """Read a model's own settings. Raises EncoderError if it is not an encoder of text."""
    size = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    for setting in ("num_hidden_layers", "hidden_size"):
        if not hasattr(size, setting):
            raise EncoderError(
                f"{folder}: a model of type {size.model_type!r} has no {setting}; name an encoder of text"
            )
    return size


def _load(config: TransformerConfig) -> tuple[Any, Any]:
    folder = find_pretrained(config.model)
    with library(config.model) as transformers:
        size = _read_size(transformers, folder)
        layers = int(size.num_hidden_layers)
        highest = max(_layers(config, layers))
        if size.model_type in _PLAIN:
            size.num_hidden_layers = max(1, highest)
        size.structkd_layers = layers
        tokenizer = load_tokenizer(transformers, folder)
        whole, report = transformers.AutoModel.from_pretrained(
            folder, config=size, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
        model = whole.get_encoder() if size.is_encoder_decoder else whole
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    if missing := missing_weights(whole, report, model):
        raise EncoderError(
            f"{config.model}: has no weights for {_some(missing)}, which would be random; expected those of a model of "
            f"type {size.model_type!r}, found beside them {_some(sorted(report['unexpected_keys']))}"
        )
    return model, tokenizer


def _layers(config: TransformerConfig, depth: int) -> tuple[int, ...]:
    """Return the wanted layers, counted from the embeddings."""
    outside = [layer for layer in config.layers if not -depth - 1 <= layer <= depth]
    if outside:
        raise EncoderError(
            f"{config.model}: layers has {outside[0]}, expected {-depth - 1} to {depth}: the encoder has {depth} layers"
        )
    return tuple(layer % (depth + 1) for layer in config.layers)


def _some(names: Sequence[str]) -> str:
    """Return the first of many names, and their number, for an error."""
    return f"{len(names)} tensors" + (f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else "")
