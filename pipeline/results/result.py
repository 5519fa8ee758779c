"""The result of a teacher or a student: `result.json` in its folder, sealed, written last."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field, model_validator

from structkd.ground.sealed import SealError, read_sealed, write_sealed
from structkd.pipeline.plan.pieces import RESULT
from structkd.tagger.analysis import Analysis, TypeScore, macro_f1, micro

Number = Annotated[int, Field(ge=0, lt=1 << 63)]
Scores = dict[str, float]
"""Percent, by language."""


class ResultError(ValueError):
    """Unusable results; the message names the file or says what to run."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class SentenceCounts(_Frozen):
    """The right, predicted and gold spans (or words) of each sentence of a test corpus; see `tagger.scoring`."""

    right: tuple[Annotated[int, Field(ge=0, lt=1 << 16)], ...]
    predicted: tuple[Annotated[int, Field(ge=0, lt=1 << 16)], ...]
    gold: tuple[Annotated[int, Field(ge=0, lt=1 << 16)], ...]

    @model_validator(mode="after")
    def _same_sentences(self) -> "SentenceCounts":
        if not len(self.right) == len(self.predicted) == len(self.gold):
            raise ValueError("right, predicted and gold are of different sentences")
        return self


class TypeCounts(_Frozen):
    """The right, predicted and gold spans (or words) of a type, and their scores in percent."""

    right: Number
    predicted: Number
    gold: Number

    @property
    def score(self) -> TypeScore:
        """The same as a score."""
        return TypeScore(self.right, self.predicted, self.gold)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def precision(self) -> float:
        """See `tagger.analysis`."""
        return self.score.precision

    @computed_field  # type: ignore[prop-decorator]
    @property
    def recall(self) -> float:
        """See `tagger.analysis`."""
        return self.score.recall

    @computed_field  # type: ignore[prop-decorator]
    @property
    def f1(self) -> float:
        """See `tagger.analysis`."""
        return self.score.f1


class Confusion(_Frozen):
    """Units of the gold type `gold` that were taken for `found`; see `tagger.analysis`."""

    gold: str
    found: str
    times: Number


class ByType(_Frozen):
    """Scores by type and errors on a test corpus: the names are those of `structkd evaluate --output`."""

    types: dict[str, TypeCounts]
    errors: dict[str, Number]
    confusion: list[Confusion]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def micro(self) -> TypeCounts:
        """The score of all types together."""
        return TypeCounts(**vars(micro(self.scores)))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def macro_f1(self) -> float:
        """Mean F1 of the types that gold has."""
        return macro_f1(self.scores)

    @property
    def scores(self) -> dict[str, TypeScore]:
        """The score of each type."""
        return {name: counts.score for name, counts in self.types.items()}


def by_type(analysis: Analysis) -> ByType:
    """Return the part of an analysis that a result contains."""
    return ByType(
        types={name: TypeCounts(**vars(score)) for name, score in analysis.types.items()},
        errors=dict(analysis.errors),
        confusion=[
            Confusion(gold=gold, found=found, times=times) for (gold, found), times in analysis.confusion.items()
        ],
    )


class Result(_Frozen):
    """Scores of a teacher or a student, the costs of its training, and its provenance."""

    experiment: str
    system: str
    """The student's system, or `teachers`."""
    seed: Number
    fold: str | None = None
    """The fold that a teacher was not trained on."""
    dev: Scores
    test: Scores
    zero_shot: Scores
    outcomes: dict[str, SentenceCounts]
    """The counts behind the scores on test, by language."""
    by_type: dict[str, ByType] | None = None
    """Scores by type on test, by language; None in results of earlier versions."""
    dev_mean: float | None = None
    test_mean: float | None = None
    train_sentences: Number | None = None
    train_tokens: Number | None = None
    best_dev: float | None
    """None, like all other optional fields, for a teacher that was trained elsewhere."""
    best_update: Number
    updates: Number
    words: Number
    curve: list[tuple[Number, float, float]]
    """At each scoring on dev: the update, the mean loss since the last one, the score."""
    seconds: float
    parameters: Number
    device: str | None
    peak_memory: Number | None
    """Bytes."""
    digests: dict[str, str]
    versions: dict[str, str]

    @model_validator(mode="after")
    def _counted_on_test(self) -> "Result":
        if self.outcomes.keys() != self.test.keys():
            raise ValueError(f"test has {', '.join(self.test)}, outcomes have {', '.join(self.outcomes)}")
        return self


def save_result(folder: Path, result: Result) -> None:
    """Write a folder's result, which marks it as done."""
    write_sealed(folder / RESULT, result.model_dump(mode="json"))


def load_result(folder: Path) -> Result:
    """Read a folder's result.

    Raises:
        ResultError: a file that was changed, or that another version wrote.
        OSError: a file that cannot be read.
    """
    path, remedy = folder / RESULT, f"delete the folder {folder} and run the command again"
    try:
        return Result.model_validate_json(json.dumps(read_sealed(path)))
    except SealError as error:
        raise ResultError(f"{error}; {remedy}") from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise ResultError(f"{path}: {place + ': ' if place else ''}{problem['msg'].lower()}; {remedy}") from None
