"""Experiment files: one TOML file says everything that a run depends on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from structkd.corpora.config import Limits
from structkd.corpora.sentences import Text
from structkd.corpora.settings import FileName, Seed, Settings, named_once
from structkd.corpora.sources import AnyLabelledSource
from structkd.corpora.sources.augmented import AugmentedText
from structkd.corpora.sources.catalog import ZeroShot
from structkd.corpora.sources.demo import DemoSource
from structkd.corpora.sources.files import FileSource
from structkd.corpora.sources.text import FileText, UnlabelledText
from structkd.ground.files import digest_json
from structkd.pipeline.experiment.parsing import ExperimentError, Values, merged, parse, read_toml
from structkd.pipeline.experiment.places import EXPERIMENTS, find
from structkd.pipeline.experiment.teacher import Teacher
from structkd.pipeline.experiment.tune import Tune
from structkd.student.config import DistillConfig, SystemName
from structkd.tagger.config import TaggerConfig, TrainingConfig

if TYPE_CHECKING:
    import torch

_TEXTS = {"unlabelled", "augmented"}


class Student(Settings):
    """Settings of stage two."""

    systems: tuple[SystemName, ...] = Field(
        min_length=1, description="systems; one student is trained for each system and seed"
    )
    seeds: tuple[Seed, ...] = Field((1,), min_length=1, description="seeds of the students")
    transfer: tuple[Text, ...] = Field(
        get_args(Text), description="text that students learn from beside the training corpora, if there is any"
    )
    tagger: TaggerConfig = TaggerConfig()
    training: TrainingConfig = TrainingConfig()
    distill: DistillConfig = DistillConfig()
    # Left out where it is true, so that the digests of other students stay as they are.
    test: bool = Field(
        True, exclude_if=bool, description="score on test; false: on dev alone, as trials of `[tune]` are"
    )

    @model_validator(mode="after")
    def _labels_are_learned_too(self) -> "Student":
        found, updates = self.distill.hidden_updates, self.training.updates
        if found >= updates:
            raise PydanticCustomError(
                "hidden_updates",
                "distill.hidden_updates: found {found} of {updates} updates; the rest learns labels, so lower it",
                {"found": found, "updates": updates},
            )
        return self


class Experiment(Settings):
    """All settings of a run. A run is a function of them, the corpora and the results versions of the code."""

    name: FileName
    title: str
    languages: tuple[FileName, ...] = Field(min_length=1)
    scheme: Literal["IOB2", "BIOES"] = Field("BIOES", description="label scheme of the taggers, for spans")
    corpus: AnyLabelledSource
    limits: Limits = Limits()
    unlabelled: tuple[UnlabelledText, ...] = Field((), description="one text (a table) or several (an array of tables)")
    augmented: AugmentedText | None = None
    zero_shot: ZeroShot | None = None
    # Not among the settings that name a run, so that one begun here can be finished there.
    device: Literal["auto", "cpu", "cuda"] = Field("auto", exclude=True, description="auto: a GPU if there is one")
    teacher: Teacher = Teacher()
    student: Student
    tune: Tune | None = Field(None, exclude=True, description="what `structkd tune` tries")

    @field_validator("unlabelled", mode="before")
    @classmethod
    def _one_or_several(cls, texts: Any) -> Any:
        return [texts] if isinstance(texts, dict) else texts

    @model_validator(mode="after")
    def _text_is_for_its_languages(self) -> "Experiment":
        named = {language for text in self.unlabelled for language in text.languages or ()}
        if unknown := sorted(named - {*self.languages}):
            raise PydanticCustomError(
                "unlabelled",
                "unlabelled.languages: found {unknown}, which the experiment does not have; its languages are {known}",
                {"unknown": ", ".join(unknown), "known": ", ".join(self.languages)},
            )
        return self

    @model_validator(mode="after")
    def _a_file_is_of_one_language(self) -> "Experiment":
        paths = [("corpus", self.corpus.path, self.languages)] if isinstance(self.corpus, FileSource) else []
        texts = [text for text in self.unlabelled if isinstance(text.source, FileText)]
        paths += [("unlabelled", text.path, text.languages or self.languages) for text in texts]
        for place, path, languages in paths:
            if len(languages) > 1 and "{language}" not in path:
                raise PydanticCustomError(
                    "path",
                    "{place}.path: found {path} for {languages}; a file is of one language: put {hole} into it",
                    {"place": place, "path": path, "languages": ", ".join(languages), "hole": "{language}"},
                )
        return self

    @model_validator(mode="after")
    def _a_student_is_of_all_languages(self) -> "Experiment":
        if names := self.student.tagger.monolingual:
            raise PydanticCustomError(
                "student",
                "student.tagger.encoders: found {name}; the one student serves all languages, so its encoders must: "
                "take {hole} out (teachers may have it)",
                {"name": names[0], "hole": "{language}"},
            )
        return self

    @model_validator(mode="after")
    def _zero_shot_languages_are_new(self) -> "Experiment":
        if self.zero_shot and (known := sorted({*self.languages} & {*self.zero_shot.languages})):
            raise PydanticCustomError(
                "zero_shot",
                "zero_shot.languages: found {known}, on which the experiment trains; take it out of one of the lists",
                {"known": ", ".join(known)},
            )
        return self

    @field_validator("languages")
    @classmethod
    def _named_once(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        named_once(languages)
        return languages

    @model_validator(mode="after")
    def _paths_are_stored(self) -> "Experiment":
        wanted, stored = self.student.distill, self.teacher.annotation.k
        if "k" in wanted.model_fields_set and wanted.k > stored:
            raise PydanticCustomError(
                "k",
                "student.distill.k: found {wanted}, but teachers store {stored} paths; raise teacher.annotation.k",
                {"wanted": wanted.k, "stored": stored},
            )
        return self

    @model_validator(mode="after")
    def _drawn_paths_keep_their_weights(self) -> "Experiment":
        if self.teacher.annotation.paths == "best":
            return self
        if equal := [name for name in self.student.systems if name.endswith("top-k")]:
            raise PydanticCustomError(
                "paths",
                "student.systems: found {system}, which weighs all paths equally, but teacher.annotation.paths is "
                "sampled; take {other}",
                {"system": equal[0], "other": equal[0].replace("top-k", "top-wk")},
            )
        if "k" in self.student.distill.model_fields_set:
            raise PydanticCustomError(
                "paths",
                "student.distill.k: found {k}, but teacher.annotation.paths is sampled, and students use all drawn "
                "paths; take it out",
                {"k": self.student.distill.k},
            )
        return self

    @model_validator(mode="after")
    def _states_are_stored(self) -> "Experiment":
        if self.student.distill.hidden_updates and not self.teacher.annotation.hidden:
            raise PydanticCustomError(
                "hidden_updates",
                "student.distill.hidden_updates: found {updates}, but teachers store no hidden states; set "
                "teacher.annotation.hidden, for example to 64",
                {"updates": self.student.distill.hidden_updates},
            )
        return self

    @model_validator(mode="after")
    def _demo_makes_its_own_text(self) -> "Experiment":
        if self.unlabelled and isinstance(self.corpus, DemoSource):
            raise PydanticCustomError(
                "unlabelled", "unlabelled: the demo corpus makes its own text; set corpus.unlabelled instead"
            )
        return self

    def torch_device(self) -> "torch.device":
        """Return the device of tensors. Raises ExperimentError if `device` is a GPU and there is none."""
        import torch  # which a finished experiment never needs

        found = torch.cuda.is_available()
        if self.device == "cuda" and not found:
            raise ExperimentError(f'{self.name}: device = "cuda", but torch finds no GPU; set device = "auto"')
        return torch.device("cpu" if self.device == "cpu" or not found else "cuda")

    @property
    def digest(self) -> str:
        """SHA-256 of the settings; comments and layout of the file do not count."""
        return digest_json(self.model_dump(mode="json"))

    def student_digest(self, system: SystemName, seed: int) -> str:
        """Return the SHA-256 of a student's settings; the baseline depends on those of gold labels alone."""
        settings = self.model_dump(mode="json", exclude={"name", "title", "student", *_TEXTS, "teacher"})
        student = self.student.model_dump(mode="json", exclude={"systems", "seeds"})
        if system == "baseline":
            student = {key: student[key] for key in ("tagger", "training", "test") if key in student}
        else:
            settings |= self.model_dump(mode="json", include={*_TEXTS, "teacher"})
        return digest_json([system, seed, settings, student])

    @property
    def teachers_digest(self) -> str:
        """SHA-256 of the settings that the scores of the teachers of whole corpora depend on."""
        settings = self.model_dump(mode="json", exclude={"name", "title", "student", *_TEXTS})
        if self.teacher.answers != "folds":
            settings["teacher"].pop("folds")
        for name in ("hidden", "paths"):
            settings["teacher"]["annotation"].pop(name, None)
        return digest_json(["teachers", settings])


def load_experiment(name: str | Path, change: Values | None = None) -> Experiment:
    """Read the file `name` if it ends in .toml, else `experiments/<name>.toml` from here or from the package.

    `change` contains settings that replace those of the file: `{"student": {"seeds": [1, 2, 3]}}`.

    Raises:
        ExperimentError: no such file, no TOML, unknown or missing keys, values out of range.
    """
    path = find(str(name), EXPERIMENTS, "experiment")
    values = merged({"name": path.stem} | read_toml(path), change or {})
    return parse(Experiment, values, f"{path}, changed" if change else str(path))
