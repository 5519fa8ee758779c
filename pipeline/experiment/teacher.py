"""Settings of stage one in experiment files."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from structkd.corpora.config import new_setting
from structkd.corpora.settings import Seed, Settings
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.sources.config import SourcesConfig

Answers = Literal["monolingual", "folds", "joint", "mean"]
ANSWERS: Mapping[Answers, str] = {
    "monolingual": "one per language",
    "folds": "several per language, each without a part of the training corpus, and on text their mean",
    "joint": "one of all languages",
    "mean": "the mean of one per language and one of all languages",
}
_FOLDS = {"folds": "at least 2", "joint": "0", "mean": "0", "monolingual": ""}


class Teacher(Settings):
    """Settings of stage one."""

    seed: Seed = Field(1, description="seed of every teacher, and of the folds")
    folds: int = Field(
        0,
        ge=0,
        description="number of extra teachers per language; each annotates the part of the training corpus that it "
        "was not trained on; 0: the one teacher annotates the text that it was trained on",
    )
    answers: Answers = new_setting(
        "monolingual",
        "whose answers students learn from: monolingual, the teachers of each language; folds, on text the mean of the "
        "teachers of the language's folds; joint, one teacher that is trained on all languages together; mean, the "
        "mean of this one and the monolingual ones",
    )
    held_out: bool = Field(True, description="annotate dev and test too, for reports; students never read them")
    tagger: TaggerConfig = TaggerConfig()
    training: TrainingConfig = TrainingConfig()
    joint_training: TrainingConfig | None = new_setting(
        None, "training of the joint teacher, if it is not as `training`"
    )
    annotation: AnnotationConfig = AnnotationConfig()
    external: SourcesConfig | None = Field(None, description="teachers trained elsewhere, in place of trained ones")

    @field_validator("folds")
    @classmethod
    def _more_than_one(cls, folds: int) -> int:
        if folds == 1:
            raise PydanticCustomError("folds", "Input should be 0 or at least 2: one fold leaves nothing to train on")
        return folds

    @model_validator(mode="after")
    def _only_ours_have_folds(self) -> "Teacher":
        if self.folds and self.external:
            raise PydanticCustomError(
                "folds",
                "folds should be 0 beside external teachers, found {folds}: they are not trained here",
                {"folds": self.folds},
            )
        return self

    @model_validator(mode="after")
    def _answers_can_be_made(self) -> "Teacher":
        faults = {
            "external": (self.external is not None, "no external teachers: these are not trained here"),
            "annotation.hidden": (self.annotation.hidden > 0, "0: each teacher has hidden states of its own"),
            "held_out": (self.mean and not self.held_out, "true: scores come from dev and test as teachers wrote them"),
            "folds": ((self.answers == "folds") != (self.folds > 0), _FOLDS[self.answers]),
            "tagger.encoders": (self.joint and self.tagger.monolingual != (), "none with {language}"),
        }
        for setting, (wrong, expected) in faults.items() if self.answers != "monolingual" else ():
            if wrong:
                raise PydanticCustomError(
                    "answers",
                    "{setting} does not fit teacher.answers = {answers}; expected {expected}",
                    {"setting": setting, "answers": self.answers, "expected": expected},
                )
        if self.joint_training and not self.joint:
            raise PydanticCustomError(
                "answers",
                "joint_training is for teacher.answers = joint or mean; found {answers}",
                {"answers": self.answers},
            )
        return self

    @property
    def joint(self) -> bool:
        """True if a teacher is trained on all languages together."""
        return self.answers in ("joint", "mean")

    @property
    def mean(self) -> bool:
        """True if students learn from means of several teachers."""
        return self.answers in ("folds", "mean")

    @model_validator(mode="after")
    def _only_ours_have_states(self) -> "Teacher":
        if self.annotation.hidden and self.external:
            raise PydanticCustomError(
                "hidden",
                "annotation.hidden should be 0 beside external teachers, found {hidden}: only taggers that are trained "
                "here give their states",
                {"hidden": self.annotation.hidden},
            )
        return self
