"""Settings of a tagger and of its training, as experiment files state them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal["spans", "accuracy"]


class TaggerConfig(BaseModel):
    """Sizes of a tagger that is trained from scratch."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    word_dim: int = Field(100, ge=0, description="size of the word embeddings")
    char_dim: int = Field(30, ge=0, description="size of the character embeddings; 0 for none")
    char_filters: int = Field(50, ge=1, description="outputs of the character convolution")
    hidden: int = Field(256, ge=1, description="LSTM units in each direction")
    layers: int = Field(1, ge=1, description="BiLSTM layers")
    dropout: float = Field(0.3, ge=0, lt=1, description="of word vectors and of LSTM outputs")
    word_dropout: float = Field(0.1, ge=0, lt=1, description="share of words shown as unknown in training")
    min_count: int = Field(1, ge=1, description="rarer words and characters are unknown")


class TrainingConfig(BaseModel):
    """How long and how fast to train; one update is one batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    updates: int = Field(1000, ge=1, description="at most; the learning rate falls linearly to 0 over them")
    batch_tokens: int = Field(1000, ge=1, description="words in a batch, padding included")
    learning_rate: float = Field(2e-3, gt=0, description="of Adam, at the first update")
    clip: float = Field(5.0, gt=0, description="largest norm of the gradient")
    evaluate_every: int = Field(100, ge=1, description="updates between two scores on dev")
    patience: int = Field(10, ge=1, description="stop after so many dev scores without a new best")
    # Not among the settings that name a run: however often it is saved, its result is the same.
    checkpoint_seconds: float = Field(
        30.0, ge=0, exclude=True, description="between two saves of a training's state, from which a killed one goes on"
    )
