"""Settings of stage two, as experiment files state them."""

from typing import Literal

from pydantic import Field

from structkd.corpora.settings import Settings

SystemName = Literal[
    "baseline", "emission", "top-k", "top-wk", "posterior", "posterior+top-k", "posterior+top-wk", "exact"
]


class DistillConfig(Settings):
    """How a student learns from artifact sets."""

    k: int = Field(10, ge=1, description="paths used by the top-k objectives, as far as there are so many")
    temperature: float = Field(1.0, gt=0, description="of the posterior objective")
    lambda_first: float = Field(1.0, ge=0, le=1, description="weight of the distillation loss at the first update")
    lambda_last: float = Field(0.0, ge=0, le=1, description="and after the last, with a straight line between")
    sampling_exponent: float = Field(
        1.0, ge=0, le=1, description="a language's share is its size to this power: 1 proportional, 0 uniform"
    )
