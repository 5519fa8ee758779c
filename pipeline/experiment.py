"""Experiment files: one TOML file says everything that a run depends on."""

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from corpora.files import digest_json
from corpora.sentences import Text
from student.config import DistillConfig, SystemName
from tagger.config import Settings, TaggerConfig, TrainingConfig, template
from teachers.config import AnnotationConfig
from teachers.sources.config import SourcesConfig

if TYPE_CHECKING:
    import torch

EXPERIMENTS = Path("experiments")
_TEXTS = {"unlabelled", "augmented"}
Parsed = TypeVar("Parsed", bound=BaseModel)


class ExperimentError(ValueError):
    """An experiment file that cannot be run; the message names the file, the key and what to do."""


class DemoSource(Settings):
    """The generated corpus, made on the spot."""

    name: Literal["demo"]
    seed: int = Field(1, ge=0, description="of the generator")
    train: dict[str, int] = Field(description="sentences by language")
    dev: int = Field(200, ge=1, description="sentences in each language")
    test: int = Field(500, ge=1, description="sentences in each language")
    unlabelled: int = Field(0, ge=0, description="sentences in each language for the teachers to annotate")


class CatalogSource(Settings):
    """Corpora of the catalog, found under $STRUCTKD_CORPORA."""

    name: Literal["conll", "absa", "wikiann", "ud", "conllu"]


class FileFormat(Settings):
    """What a file of labelled sentences looks like."""

    reader: Literal["columns", "conllu", "parquet"] = "columns"
    token_column: int = Field(0, description="for columns")
    label_column: int | str = Field(-1, description="a number for columns, a name for conllu and parquet")
    metric: Literal["spans", "accuracy"] = "spans"
    scheme: Literal["IOB1", "IOB2", "BIOES"] = Field("IOB2", description="of the files, where the metric is spans")

    @model_validator(mode="after")
    def _column_is_as_the_reader_takes_it(self) -> "FileFormat":
        if isinstance(self.label_column, int) != (self.reader == "columns") and self.label_column != -1:
            raise PydanticCustomError(
                "label_column",
                "found label_column = {column} for reader {reader}; columns have numbers, conllu and parquet names",
                {"column": repr(self.label_column), "reader": self.reader},
            )
        return self


class FileSource(FileFormat):
    """Your own files."""

    name: Literal["files"]
    path: Annotated[str, template("language", "split", needed=["split"])] = Field(
        description="with {language} and {split} in it"
    )


Source = Annotated[DemoSource | CatalogSource | FileSource, Field(discriminator="name")]


class Limits(Settings):
    """How much of the corpora to use; sentences are drawn at random by `seed`, None takes all."""

    train: int | None = Field(None, ge=1, description="sentences in each language")
    dev: int | None = Field(None, ge=1, description="sentences in each language")
    test: int | None = Field(None, ge=1, description="sentences in each language")
    seed: int = Field(0, ge=0, description="of the draw")
    max_tokens: int = Field(150, ge=1, description="longest sentence in words")
    too_long: Literal["cut", "drop", "keep"] = Field("cut", description="what becomes of longer ones")


class UnlabelledText(Settings):
    """Text that the teachers annotate beside their training corpora."""

    path: Annotated[str, template("language")] = Field(
        "catalog",
        description="`catalog`; `train`: the training sentences that limits.train leaves over, without their labels; "
        "or a path with {language}: a sentence a line",
    )
    languages: tuple[str, ...] | None = Field(None, description="those that have it; None: all of the experiment")
    sentences: int | None = Field(None, ge=1, description="in each language")

    def serves(self, language: str) -> bool:
        """Whether a language of the experiment has such text."""
        return self.languages is None or language in self.languages


class AugmentedText(Settings):
    """Text made from the training corpora for the teachers to annotate; see `corpora.augment`."""

    copies: int = Field(3, ge=1, description="of each training sentence, changed each time")
    replace: float = Field(0.2, ge=0, le=1, description="probability that a word becomes another one of the corpus")
    mask: float = Field(0.0, ge=0, le=1, description="probability that a word is masked")
    join: float = Field(0.5, ge=0, le=1, description="probability that a sentence is cut and joined with another one")
    seed: int = Field(0, ge=0, description="of all that is drawn")


class ZeroShot(Settings):
    """Languages that nobody is trained on, to be scored."""

    name: Literal["zeroshot-wikiann", "zeroshot-ud"]
    languages: tuple[str, ...] = Field(min_length=1)
    sentences: int | None = Field(None, ge=1, description="in each language")


class Teacher(Settings):
    """Stage one."""

    seed: int = Field(1, ge=0, description="of every teacher, and of the folds")
    folds: int = Field(
        0,
        ge=0,
        description="so many more teachers in each language, each of which annotates the part of the training corpus "
        "that it was not trained on; 0: the one teacher annotates what it was trained on",
    )
    held_out: bool = Field(True, description="annotate dev and test too, for reports; students never read that")
    tagger: TaggerConfig = TaggerConfig()
    training: TrainingConfig = TrainingConfig()
    annotation: AnnotationConfig = AnnotationConfig()
    external: SourcesConfig | None = Field(None, description="teachers trained elsewhere, in place of our own")

    @field_validator("folds")
    @classmethod
    def _more_than_one(cls, folds: int) -> int:
        if folds == 1:
            raise PydanticCustomError("folds", "Input should be 0 or at least 2: one fold leaves nothing to train on")
        return folds

    @model_validator(mode="after")
    def _only_ours_have_folds(self) -> "Teacher":
        if self.folds and self.external:
            raise PydanticCustomError("folds", "Input should be 0 beside external teachers: they are not trained here")
        return self


class Student(Settings):
    """Stage two."""

    systems: tuple[SystemName, ...] = Field(min_length=1, description="one student for each, and each seed")
    seeds: tuple[int, ...] = Field((1,), min_length=1, description="of the students")
    transfer: tuple[Text, ...] = Field(
        get_args(Text), description="text that students learn from beside the training corpora, as far as there is any"
    )
    tagger: TaggerConfig = TaggerConfig()
    training: TrainingConfig = TrainingConfig()
    distill: DistillConfig = DistillConfig()


class Experiment(Settings):
    """A run is a function of this, the corpora and the code."""

    name: str
    title: str
    languages: tuple[str, ...] = Field(min_length=1)
    scheme: Literal["IOB2", "BIOES"] = Field("BIOES", description="that the taggers use, for spans")
    corpus: Source
    limits: Limits = Limits()
    unlabelled: tuple[UnlabelledText, ...] = Field(
        (), description="a table, or an array of tables: one text or several"
    )
    augmented: AugmentedText | None = None
    zero_shot: ZeroShot | None = None
    # Not among the settings that name a run, so that one begun here can be finished there.
    device: Literal["auto", "cpu", "cuda"] = Field("auto", exclude=True, description="auto: a GPU where there is one")
    teacher: Teacher = Teacher()
    student: Student

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
        texts = [text for text in self.unlabelled if text.path not in ("catalog", "train")]
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
    def _demo_makes_its_own_text(self) -> "Experiment":
        if self.unlabelled and isinstance(self.corpus, DemoSource):
            raise PydanticCustomError(
                "unlabelled", "unlabelled: the demo corpus makes its own text; set corpus.unlabelled instead"
            )
        return self

    def torch_device(self) -> "torch.device":
        """Where tensors go. Raises ExperimentError where `device` is a GPU and there is none."""
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
        """SHA-256 of the settings that a student depends on: the baseline's are those of gold labels alone."""
        settings = self.model_dump(mode="json", exclude={"name", "title", "student", *_TEXTS, "teacher"})
        student = self.student.model_dump(mode="json", exclude={"systems", "seeds"})
        if system == "baseline":
            student = {key: student[key] for key in ("tagger", "training")}
        else:
            settings |= self.model_dump(mode="json", include={*_TEXTS, "teacher"})
        return digest_json([system, seed, settings, student])

    @property
    def teachers_digest(self) -> str:
        """SHA-256 of the settings that the scores of the teachers of whole corpora depend on."""
        settings = self.model_dump(mode="json", exclude={"name", "title", "student", *_TEXTS})
        settings["teacher"].pop("folds")
        return digest_json(["teachers", settings])


def named_once(names: Sequence[str]) -> None:
    """For validators: raises PydanticCustomError where a name is there twice."""
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise PydanticCustomError("twice", "found {name} twice; name it once", {"name": twice[0]})


def load_experiment(name: str) -> Experiment:
    """Read `experiments/<name>.toml`, or the file `name` itself when it ends in .toml.

    Raises:
        ExperimentError: no such file, no TOML, unknown or missing keys, values out of range.
    """
    path = Path(name) if name.endswith(".toml") else EXPERIMENTS / f"{name}.toml"
    if not path.is_file():
        known = sorted(file.stem for file in EXPERIMENTS.glob("*.toml"))
        raise ExperimentError(f"{path}: no such experiment{_did_you_mean(path.stem, known)} ({', '.join(known)})")
    return parse(Experiment, {"name": path.stem} | read_toml(path), str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's values. Raises ExperimentError where it is none."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"{path}: not a TOML file: {error}") from error


def parse(kind: type[Parsed], values: dict[str, Any], place: str) -> Parsed:
    """Typed settings. Raises ExperimentError, its message starting with `place`, for values that do not fit."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(problem, kind)}" for problem in error.errors())
        raise ExperimentError(f"{place}:\n{problems}") from None


def _explain(problem: Any, kind: type[BaseModel]) -> str:
    if not problem["loc"]:  # a check of the whole file, whose message names the place
        return str(problem["msg"])
    place, beside = _walk(problem["loc"], kind)
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key{_did_you_mean(str(problem['loc'][-1]), beside)}"
    found = "" if problem["type"] == "missing" else f", found {problem['input']!r}"
    return f"{place}: {problem['msg'].lower()}{found}"


def _walk(place: tuple[int | str, ...], root: type[BaseModel]) -> tuple[str, list[str]]:
    """A place as the file has it, and the keys that are known beside its last one.

    pydantic puts the tag of a kind, as of a corpus or an encoder, between the keys; the file does not.
    """
    kinds: list[type[BaseModel]] = [root]
    named, beside = [], list(root.model_fields)
    for part in place:
        fields = [kind.model_fields[str(part)] for kind in kinds if str(part) in kind.model_fields]
        tagged = [kind for kind in kinds if part in _tags(kind)]
        if tagged and not fields:
            kinds = tagged
            continue
        named.append(str(part))
        if isinstance(part, int):
            continue
        beside = [key for kind in kinds for key in kind.model_fields]
        kinds = [model for field in fields for model in _models_in(field.annotation)]
    return ".".join(named), beside


def _tags(kind: type[BaseModel]) -> tuple[Any, ...]:
    keys = [key for key in ("name", "kind") if key in kind.model_fields]
    return tuple(tag for key in keys for tag in get_args(kind.model_fields[key].annotation))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _did_you_mean(word: str, known: list[str]) -> str:
    nearest = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]}?" if nearest else ""
