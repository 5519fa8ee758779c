"""Features of frozen encoders: the files that an experiment needs, and their costs. All experiments share them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError

from structkd.artifacts.stores.copies import content_of
from structkd.artifacts.stores.places import Url
from structkd.corpora.sentences import Split
from structkd.ground.faults import FileError
from structkd.ground.files import digest_json, read_regular
from structkd.ground.sealed import SealError, parse_object, unsealed, write_sealed
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.teacher import Teacher
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.stored import is_shared
from structkd.pipeline.plan.versions import versions_of
from structkd.tagger.config import TaggerConfig, TransformerConfig
from structkd.tagger.encoders.pretrained import features_digest
from structkd.teachers.sources.identity import tagger_configs

FOLDER = "features"


@dataclass(frozen=True)
class FeaturePlan:
    """One frozen encoder's features of one corpus."""

    language: str
    split: Split
    encoder: TransformerConfig
    digest: str
    """Digest of the encoder's settings that its features depend on; other settings do not matter."""
    path: Path
    stored: Url | None = None
    """The record of a copy in a store, if artifact sets are in one."""

    @property
    def local(self) -> bool:
        """True if the features and their costs are on this machine."""
        return self.path.is_file() and cost_path(self.path).is_file()

    @property
    def done(self) -> bool:
        """True if they are in the store too, if there is one."""
        return self.local and is_shared(self.stored)

    @property
    def folder(self) -> Path:
        """The folder of all features."""
        return self.path.parent

    @property
    def seconds(self) -> float | None:
        """The seconds of the encoder that made them, here or for the store; None if they are nowhere."""
        if self.local:
            return Cost.read(self.path).seconds
        record = cost_path(self.path).name
        content = content_of(self.stored, record) if self.stored else None
        return None if content is None else _parsed(f"{self.stored}: {record}", content).seconds


def plan_features(experiment: Experiment, data: Data, runs: Path, store: Url | None = None) -> tuple[FeaturePlan, ...]:
    """Plan the features of all frozen encoders of teachers and students, for the corpora that these read."""
    readers = [(experiment.student.tagger, experiment.languages)]
    for language in experiment.languages:
        readers += [(tagger, (language,)) for tagger in teacher_taggers(experiment.teacher, language)]
    wanted = {
        (digest, language, split): encoder
        for tagger, languages in readers
        for digest, encoder in _frozen(tagger).items()
        for language, split in _read_by(languages, data)
    }
    return tuple(
        FeaturePlan(
            language,
            split,
            encoder,
            digest,
            runs / FOLDER / f"{name}.safetensors",
            store / FOLDER / f"{name}.json" if store else None,
        )
        for (digest, language, split), encoder in wanted.items()
        for key in [digest_json([digest, data.identity(language, split), versions_of(("corpora",))])]
        for name in [f"{language}-{split}-{key[:16]}"]
    )


def teacher_taggers(teacher: Teacher, language: str) -> list[TaggerConfig]:
    """Return the taggers of stage one in a language: the one that it trains, or those of this project in sources."""
    return tagger_configs(teacher.external, language) if teacher.external else [teacher.tagger.in_language(language)]


def cost_of(paths: Sequence[Path]) -> dict[str, float]:
    """Return the bytes of feature files, and the seconds of the encoders that made them.

    Raises FeatureError if a record of these costs is damaged.
    """
    found = [Cost.read(path) for path in paths]
    return {"bytes": sum(cost.bytes for cost in found), "seconds": sum(cost.seconds for cost in found)}


class Cost(BaseModel):
    """The costs of a file of features, with the seconds of its encoder."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    bytes: NonNegativeInt
    seconds: NonNegativeFloat
    precision: str
    """The number format of the encoder's computation, by torch's name."""

    def write(self, features: Path) -> None:
        """Write the costs beside the file of features."""
        write_sealed(cost_path(features), self.model_dump())

    @classmethod
    def read(cls, features: Path) -> "Cost":
        """Read the costs of a file of features. Raises FeatureError if their record is damaged."""
        path = cost_path(features)
        try:
            return _parsed(path, read_regular(path))
        except FileError as error:
            raise _damaged(path, error) from error


def _parsed(place: Path | str, content: bytes) -> Cost:
    try:
        return Cost.model_validate(unsealed(place, parse_object(place, content)))
    except (SealError, ValidationError) as error:
        raise _damaged(place, error) from error


def _damaged(place: Path | str, error: Exception) -> Exception:
    from structkd.tagger.features import REMEDY, FeatureError

    return FeatureError(f"{place}: damaged ({error}); {REMEDY}")


def cost_path(features: Path) -> Path:
    """Return the record of the costs of a file of features."""
    return features.with_suffix(".json")


def feature_files(
    plans: Sequence[FeaturePlan], taggers: Sequence[TaggerConfig], languages: Sequence[str], data: Data
) -> tuple[Path, ...]:
    """Return the files that taggers for some languages read."""
    digests = {digest for tagger in taggers for digest in _frozen(tagger)}
    read = _read_by(languages, data)
    return tuple(plan.path for plan in plans if plan.digest in digests and (plan.language, plan.split) in read)


def _frozen(tagger: TaggerConfig) -> dict[str, TransformerConfig]:
    return {features_digest(encoder): encoder for encoder in tagger.transformers if encoder.frozen}


def _read_by(languages: Sequence[str], data: Data) -> list[tuple[str, Split]]:
    """Return the corpora that a tagger for some languages reads; every tagger reads those of zero-shot languages."""
    return [(language, split) for language, split in data.corpora() if language in languages or split == "zero_shot"]
