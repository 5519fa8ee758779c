"""Settings of a tagger and its training in experiment files. Nothing here loads torch."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from structkd.corpora.schemes import Metric
from structkd.corpora.settings import Settings, template

METRIC_NAMES: Mapping[Metric, str] = {"spans": "strict span F1", "accuracy": "accuracy"}  # as people are told
Subword = Literal["first", "last", "mean"]
Precision = Literal["auto", "float32", "bfloat16"]
PRECISION = "number format of the encoder's passes; auto: bfloat16 if the processor computes in it"


class WordsConfig(Settings):
    """A trained vector for each word of the training corpus."""

    kind: Literal["words"] = "words"
    dim: int = Field(100, ge=1, description="size of the word vectors")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of words shown as unknown in training")


class CharacterCNNConfig(Settings):
    """A convolution over a word's characters (Ma and Hovy, 2016)."""

    kind: Literal["char-cnn"] = "char-cnn"
    dim: int = Field(30, ge=1, description="size of the character embeddings")
    filters: int = Field(50, ge=1, description="outputs of the convolution")


class CharacterLSTMConfig(Settings):
    """An LSTM over a word's characters, in both directions (Lample et al., 2016)."""

    kind: Literal["char-lstm"] = "char-lstm"
    dim: int = Field(25, ge=1, description="size of the character embeddings")
    hidden: int = Field(25, ge=1, description="LSTM units in each direction; a word's vector has twice as many numbers")


class HashedNgramsConfig(Settings):
    """Hashed character n-grams, with no vocabulary (Bojanowski et al., 2017)."""

    kind: Literal["ngrams"] = "ngrams"
    dim: int = Field(100, ge=1, description="size of the embeddings")
    buckets: int = Field(50_000, ge=1, description="number of embeddings; n-grams share them by hash")
    min_n: int = Field(3, ge=1, description="characters of the shortest n-grams, including the marks at both ends")
    max_n: int = Field(6, ge=1, description="characters of the longest n-grams")

    @model_validator(mode="after")
    def _lengths_in_order(self) -> "HashedNgramsConfig":
        if self.max_n < self.min_n:
            raise ValueError(f"max_n = {self.max_n} is below min_n = {self.min_n}; no n-gram has such a length")
        return self


class StaticVectorsConfig(Settings):
    """Word vectors from a file, not trained."""

    kind: Literal["static"] = "static"
    path: Annotated[str, template("language")] = Field(
        description="file of vectors: text of word2vec, fastText (.vec) or GloVe, or a .bin of word2vec or fastText; "
        "a teacher's may contain {language}"
    )
    lowercase: bool = Field(True, description="look a word up lower-cased if its own form is absent")


class TransformerConfig(Settings):
    """A pretrained encoder of Hugging Face transformers (the extra `transformers`)."""

    kind: Literal["transformer"] = "transformer"
    model: Annotated[str, template("language")] = Field(
        description="a local folder, one under $STRUCTKD_ENCODERS, or name or name@revision of the hub or its cache; "
        "a teacher's may contain {language}"
    )
    layers: tuple[int, ...] = Field(
        (-1,), min_length=1, description="layers whose outputs are used: 0 is the embeddings, -1 the last layer"
    )
    mix: Literal["concat", "mean", "scalar"] = Field(
        "concat", description="combination of several layers; scalar: a learned weighted mean (Peters et al., 2018)"
    )
    subwords: Subword = Field("first", description="the subword whose vector the word takes, or the mean")
    window: int | None = Field(
        None, ge=8, description="subwords that the encoder sees at once; None takes the model's own limit"
    )
    precision: Precision = Field("auto", description=PRECISION)
    frozen: bool = Field(True, description="run once, features kept on disk; false: fine-tune, with the settings below")
    learning_rate: float = Field(5e-5, gt=0, description="learning rate of the last layer after the warm-up")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="a layer's learning rate divided by that of the layer above"
    )
    train_embeddings: bool = Field(False, description="fine-tune the subwords' embeddings too")
    checkpointing: bool = Field(False, description="compute activations twice to save memory")

    @model_validator(mode="after")
    def _a_frozen_one_is_not_trained(self) -> "TransformerConfig":
        names = ("learning_rate", "layer_decay", "train_embeddings", "checkpointing")
        idle = [name for name in names if getattr(self, name) != type(self).model_fields[name].default]
        if self.frozen and idle:
            raise ValueError(f"{', '.join(idle)}: of no use to a frozen encoder; set frozen = false")
        return self


EncoderConfig = Annotated[
    WordsConfig
    | CharacterCNNConfig
    | CharacterLSTMConfig
    | HashedNgramsConfig
    | StaticVectorsConfig
    | TransformerConfig,
    Field(discriminator="kind"),
]


class TaggerConfig(Settings):
    """The parts of a tagger: encoders side by side, a BiLSTM, and the linear chain."""

    encoders: tuple[EncoderConfig, ...] = Field((WordsConfig(), CharacterCNNConfig()), min_length=1)
    hidden: int = Field(256, ge=0, description="LSTM units in each direction; 0 for no LSTM")
    layers: int = Field(1, ge=1, description="BiLSTM layers")
    dropout: float = Field(0.3, ge=0, lt=1, description="dropout of word vectors and of LSTM outputs")
    min_count: int = Field(1, ge=1, description="rarer words and characters are unknown")

    @property
    def transformers(self) -> tuple[TransformerConfig, ...]:
        """The pretrained encoders."""
        return tuple(encoder for encoder in self.encoders if isinstance(encoder, TransformerConfig))

    @property
    def static(self) -> tuple[StaticVectorsConfig, ...]:
        """The files of vectors."""
        return tuple(encoder for encoder in self.encoders if isinstance(encoder, StaticVectorsConfig))

    @property
    def monolingual(self) -> tuple[str, ...]:
        """The names of encoders that contain `{language}`."""
        names = [encoder.model for encoder in self.transformers] + [encoder.path for encoder in self.static]
        return tuple(name for name in names if "{language}" in name)

    def in_language(self, language: str) -> "TaggerConfig":
        """Return the settings with `{language}` filled in."""
        return self.model_copy(update={"encoders": tuple(_in_language(one, language) for one in self.encoders)})


def _in_language(encoder: EncoderConfig, language: str) -> EncoderConfig:
    match encoder:
        case TransformerConfig():
            return encoder.model_copy(update={"model": encoder.model.format(language=language)})
        case StaticVectorsConfig():
            return encoder.model_copy(update={"path": encoder.path.format(language=language)})
        case _:
            return encoder


class TrainingConfig(Settings):
    """Length and speed of a training."""

    updates: int = Field(
        1000, ge=1, description="largest number of updates; the learning rates fall linearly to 0 over them"
    )
    batch_tokens: int = Field(1000, ge=1, description="words in a batch, padding included")
    accumulate: int = Field(1, ge=1, description="batches whose gradients are summed for one update")
    learning_rate: float = Field(2e-3, gt=0, description="Adam's rate after the warm-up; encoders can have their own")
    chain_rate: float = Field(1.0, gt=0, description="factor on learning_rate for transition, start and end scores")
    warmup: int = Field(0, ge=0, description="first updates, in which the learning rates rise linearly from 0")
    weight_decay: float = Field(0.0, ge=0, description="weight decay of AdamW (Loshchilov and Hutter, 2019)")
    clip: float = Field(5.0, gt=0, description="largest norm of the gradient")
    evaluate_every: int = Field(100, ge=1, description="updates between two scores on dev")
    patience: int = Field(10, ge=1, description="stop after this many dev scores without a new best")
    # Not among the settings that name a run: however often it is saved, its result is the same.
    checkpoint_seconds: float = Field(
        30.0,
        ge=0,
        exclude=True,
        description="seconds between two saves of the state from which a killed training continues",
    )

    @model_validator(mode="after")
    def _warmup_ends(self) -> "TrainingConfig":
        if self.warmup >= self.updates:
            raise ValueError(f"warmup of {self.warmup} in {self.updates} updates: it must end before the training")
        return self
