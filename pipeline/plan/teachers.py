"""The plan of a teacher: its folders, digests and artifact sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from structkd.artifacts.manifest import MANIFEST
from structkd.artifacts.stores.places import Place, Url
from structkd.corpora.folds import Fold
from structkd.corpora.prepared import TEXT
from structkd.corpora.sentences import Split, Text
from structkd.ground.files import digest_json
from structkd.pipeline.experiment.teacher import Teacher
from structkd.pipeline.plan.stored import is_shared, is_stored
from structkd.pipeline.plan.versions import ANNOTATION, TEACHING, code_digest, versions_of

RESULT = "result.json"  # written last: a folder that has one is done
ALL = "*"  # the language of a teacher of all languages, which no corpus has


@dataclass(frozen=True)
class TextPlan:
    """A text that is prepared once, for all teachers that annotate it."""

    language: str
    split: Text
    folder: Path

    @property
    def done(self) -> bool:
        """True if it is prepared."""
        return (self.folder / TEXT).is_file()


@dataclass(frozen=True)
class TeacherPlan:
    """A teacher of its language's whole training corpus, or without one fold, and the artifact sets that it writes."""

    language: str
    fold: Fold | None
    """The fold that it is not trained on and annotates."""
    digests: dict[str, str]
    """Digests of settings, corpora and code, and the results versions; all except the code name it."""
    key: str
    """Digest that names its result for any code."""
    folder: Path
    artifacts: Mapping[Split, Place]
    """Its training corpus (unless teachers of folds annotate that) and each kind of other text."""
    texts: Mapping[Text, TextPlan]
    """The texts of its sets of text."""
    held_out: Place | None
    """The set of dev and test, for reports."""
    features: tuple[Path, ...]
    """Features of frozen encoders over its language's corpora."""
    stored: Url | None
    """The record of a copy in a store, if its sets are in one."""
    joint: "TeacherPlan | None" = None
    """The teacher of all languages that it stands for in its own."""
    parts: tuple["TeacherPlan", ...] = ()
    """The teachers whose mean it is."""
    mixed: tuple[Split, ...] = ()
    """The sets in whose place students read a mean."""

    @property
    def name(self) -> str:
        """The teacher's name in its artifact sets."""
        if self.language == ALL:
            return "all languages"
        kind = str(self.fold) if self.fold else "joint" if self.joint else "mean" if self.parts else ""
        return f"{self.language} {kind}".rstrip()

    @property
    def lessons(self) -> Mapping[Split, Place]:
        """The sets for students."""
        return {split: place for split, place in self.artifacts.items() if split not in self.mixed}

    @property
    def needs(self) -> tuple["TeacherPlan", ...]:
        """The teachers that must be done before it."""
        return self.parts or ((self.joint,) if self.joint else ())

    @property
    def taggers(self) -> tuple["TeacherPlan", ...]:
        """The teachers with weights of their own that give its answers."""
        return tuple(one for part in self.parts for one in part.taggers) or (self.joint or self,)

    @property
    def sets(self) -> tuple[Place, ...]:
        """The places of all artifact sets that it writes."""
        return (*self.artifacts.values(), *([self.held_out] if self.held_out else []))

    @property
    def local(self) -> bool:
        """True if the teacher's weights and scores are on this machine."""
        return (self.folder / RESULT).is_file()

    @property
    def done(self) -> bool:
        """True if its artifact sets are finished, too."""
        return self.local and is_shared(self.stored) and all(map(annotated, self.sets))


def annotated(artifacts: Place) -> bool:
    """True if an artifact set is finished. Raises FileError if a store refuses to say."""
    manifest = artifacts / MANIFEST
    return manifest.is_file() if isinstance(manifest, Path) else is_stored(manifest)


def digests_of(settings: Sequence[Any], corpora: Sequence[Any]) -> dict[str, str]:
    """Return the digests of a teacher from all that determines it."""
    return {
        "settings": digest_json(settings),
        "corpora": digest_json(corpora),
        "versions": versions_of(TEACHING),
        "code": code_digest(*TEACHING),
    }


def name_digest(digests: Mapping[str, str]) -> str:
    """Return the digest that names a piece: everything that determines its result, except the code."""
    return digest_json({name: digest for name, digest in digests.items() if name != "code"})


@dataclass(frozen=True)
class SetNames:
    """The places of a teacher's sets: their names contain the digest of the teacher and of its annotation."""

    there: Place
    name: str
    annotation: tuple[Any, ...]

    @classmethod
    def of(cls, there: Place, name: str, key: Any, teacher: Teacher) -> "SetNames":
        """Return the names for a teacher of this key."""
        return cls(there, name, (key, teacher.annotation.model_dump(), versions_of(ANNOTATION)))

    def artifacts(self, sets: Mapping[Split, Any]) -> dict[Split, Place]:
        """Return the places of sets for students, given what determines their text; None for the training corpus."""
        return {
            split: self.there / "artifacts" / f"{self.name}-{split}-{digest_json([*self.annotation, identity])[:8]}"
            for split, identity in sets.items()
        }

    @property
    def held_out(self) -> Place:
        """The place of the set of dev and test."""
        return self.there / "heldout" / f"{self.name}-{digest_json(list(self.annotation))[:8]}"


def stored_at(there: Place, kind: str, name: str) -> Url | None:
    """Return the record of a copy of a piece in a store, if sets are in one."""
    return there / kind / f"{name}.json" if isinstance(there, Url) else None


def text_plan(teacher: Teacher, folder: Path, language: str, split: Text, identity: dict[str, Any]) -> TextPlan:
    """Return the plan of a text."""
    digest = digest_json([identity, versions_of(("corpora",)), teacher.annotation.shard_rows])
    return TextPlan(language, split, folder / "texts" / f"{language}-{split}-{digest[:8]}")
