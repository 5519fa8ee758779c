"""Settings of stage two in experiment files."""

from typing import Literal

from pydantic import Field

from structkd.corpora.config import new_setting
from structkd.corpora.settings import Settings

SystemName = Literal[
    "baseline", "emission", "top-k", "top-wk", "posterior", "posterior+top-k", "posterior+top-wk", "exact"
]


class DistillConfig(Settings):
    """Settings of a student that learns from artifact sets."""

    k: int = Field(10, ge=1, description="paths that the top-k objectives use, or fewer if fewer exist")
    temperature: float = Field(1.0, gt=0, description="temperature of the posterior objective")
    lambda_first: float = Field(1.0, ge=0, le=1, description="weight of the distillation loss at the first update")
    lambda_last: float = Field(
        0.0, ge=0, le=1, description="weight after the last update; it changes linearly in between"
    )
    hidden_updates: int = new_setting(
        0,
        "first updates, which learn the teachers' hidden states alone; lambda changes over the rest. "
        "Needs teacher.annotation.hidden",
        ge=0,
    )
    sampling_exponent: float = Field(
        1.0, ge=0, le=1, description="a language's share is its size to this power: 1 proportional, 0 uniform"
    )
