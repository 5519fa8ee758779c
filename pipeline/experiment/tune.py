"""The table `[tune]` of an experiment: which settings of students to try, and how often."""

from typing import Any

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from structkd.corpora.settings import Seed, Settings, named_once
from structkd.student.config import SystemName

GOLD = ("student.tagger.", "student.training.")  # all that a student without teachers depends on
_TUNED = (*GOLD, "student.distill.", "student.transfer")


class Choice(Settings):
    """A setting to tune: one of some values, or a number between two bounds, uniform in its logarithm."""

    key: str = Field(description="the setting's key, with dots, such as student.training.learning_rate")
    values: tuple[Any, ...] | None = Field(None, min_length=1, description="values, equally likely")
    low: float | None = Field(None, gt=0, description="least number")
    high: float | None = Field(None, gt=0, description="greatest number")

    @field_validator("key")
    @classmethod
    def _of_students(cls, key: str) -> str:
        if not key.startswith(_TUNED):
            raise PydanticCustomError(
                "key",
                "expected a setting of {known}; teachers, corpora and test stay as they are",
                {"known": ", ".join(one.rstrip(".") for one in _TUNED)},
            )
        return key

    @model_validator(mode="after")
    def _values_or_bounds(self) -> "Choice":
        bounds = (self.low, self.high)
        if (self.values is None) == (None in bounds) or (self.values is not None and bounds != (None, None)):
            raise ValueError(f"{self.key}: give it values, or low and high")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"{self.key}: low = {self.low:g} should be below high = {self.high:g}")
        return self

    def at(self, share: float) -> Any:
        """Return the value at a share, in [0, 1), of the values or of the way between the bounds; with three digits."""
        if self.values is not None:
            return self.values[int(share * len(self.values))]
        assert self.low is not None
        assert self.high is not None
        return float(f"{self.low * (self.high / self.low) ** share:.3g}")


class Tune(Settings):
    """A random search on dev, with the same number of trials for every system."""

    trials: int = Field(ge=1, description="trials of each system; the first has the file's own settings")
    seed: Seed = Field(0, description="seed of the draws and of the trials' students; not one of the tables'")
    systems: tuple[SystemName, ...] = Field(("baseline", "posterior+top-wk"), min_length=1)
    over: tuple[Choice, ...] = Field(min_length=1, description="the settings to tune")

    @field_validator("systems")
    @classmethod
    def _systems_once(cls, systems: tuple[SystemName, ...]) -> tuple[SystemName, ...]:
        named_once(systems)
        return systems

    @field_validator("over")
    @classmethod
    def _keys_once(cls, over: tuple[Choice, ...]) -> tuple[Choice, ...]:
        named_once([choice.key for choice in over])
        return over

    def draws(self, number: int) -> list[dict[str, Any]]:
        """Return settings by key, drawn from a scrambled Halton sequence, which spreads even a few evenly.

        Systems share the draws, and a larger number keeps the first ones.
        """
        from scipy.stats import qmc  # which experiments that tune nothing do not need

        shares = qmc.Halton(len(self.over), rng=self.seed).random(number).tolist()
        return [{one.key: one.at(share) for one, share in zip(self.over, line, strict=True)} for line in shares]
