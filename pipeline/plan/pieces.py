"""The pieces of an experiment, by name: each piece's folder contains the digest of everything that determines it.

This is: settings, corpora and the results versions of the rooms that make it (`pipeline.plan.versions`). The provenance
of a piece also contains the code's digest, which is not part of the name.

Nothing here reads a sentence or loads a model, so it takes no time to find the open work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from structkd.artifacts.stores.places import Place, Url
from structkd.corpora.folds import Fold
from structkd.corpora.sentences import Split
from structkd.corpora.settings import did_you_mean
from structkd.ground.files import digest_json
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.experiment.teacher import Teacher
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.ensembles import joint_teachers, mean_teachers
from structkd.pipeline.plan.features import FeaturePlan, feature_files, plan_features, teacher_taggers
from structkd.pipeline.plan.stored import forget, is_shared
from structkd.pipeline.plan.teachers import ALL as ALL
from structkd.pipeline.plan.teachers import RESULT as RESULT
from structkd.pipeline.plan.teachers import SetNames, digests_of, stored_at, text_plan
from structkd.pipeline.plan.teachers import TeacherPlan as TeacherPlan
from structkd.pipeline.plan.teachers import TextPlan as TextPlan
from structkd.pipeline.plan.teachers import annotated as annotated
from structkd.pipeline.plan.teachers import name_digest as name_digest
from structkd.pipeline.plan.versions import LEARNING, code_digest, versions_of
from structkd.student.config import SystemName
from structkd.tagger.encoders.pretrained import pretrained_digests
from structkd.teachers.sources.config import SourcesConfig
from structkd.teachers.sources.identity import source_digest

RUNS = Path("runs")
JOURNAL = "log.jsonl"  # what its jobs told
STATE = "training.state"  # what a training goes on from until it is done
HELD_OUT: tuple[Split, ...] = ("dev", "test", "zero_shot")  # what is scored


@dataclass(frozen=True)
class StudentPlan:
    """A student: a system and a seed."""

    system: SystemName
    seed: int
    digests: dict[str, str]
    key: str
    """As for a teacher; the baseline's does not depend on teachers."""
    folder: Path
    artifacts: tuple[Place, ...]
    """The sets that it reads."""
    features: tuple[Path, ...]
    stored: Url | None
    """As for a teacher."""

    @property
    def local(self) -> bool:
        """True if its weights and scores are on this machine."""
        return (self.folder / RESULT).is_file()

    @property
    def done(self) -> bool:
        """True if they are in the store too, if there is one."""
        return self.local and is_shared(self.stored)


@dataclass(frozen=True)
class Plan:
    """All pieces of an experiment."""

    experiment: Experiment
    folder: Path
    features: tuple[FeaturePlan, ...]
    teachers: tuple[TeacherPlan, ...]
    students: tuple[StudentPlan, ...]

    @property
    def answering(self) -> tuple[TeacherPlan, ...]:
        """The teacher of each language whose scores are the teachers': not one of a fold, or of a mean."""
        return tuple(one for one in self.teachers if not (one.fold or one.mixed or one.language == ALL))


def make_plan(experiment: Experiment, runs: Place = RUNS) -> Plan:
    """Name every piece of an experiment.

    Args:
        runs: a folder for all pieces; or an address in an object store for the artifact sets and copies of features,
            trained teachers and students, with everything else in `RUNS`.

    Raises:
        CorpusError: a missing corpus file.
        EncoderError, SourceError, CheckpointError: a missing pretrained encoder or teacher from elsewhere.
    """
    forget()
    there, data = runs / experiment.name, Data(experiment)
    here = RUNS if isinstance(runs, Url) else runs
    folder = here / experiment.name
    training = [data.identity(language, "train") for language in experiment.languages]
    features, folds = (
        plan_features(experiment, data, here, runs if isinstance(runs, Url) else None),
        experiment.teacher.folds,
    )
    answers = experiment.teacher.answers
    own = tuple(
        _teacher(experiment, data, folder, there, language, fold, training, features)
        for language in (experiment.languages if answers != "joint" else ())
        for fold in (*((None,) if answers != "folds" else ()), *(Fold(number, folds) for number in range(1, folds + 1)))
    )
    joint = joint_teachers(experiment, data, folder, there, training, features) if experiment.teacher.joint else ()
    means = mean_teachers(experiment, folder, there, (*own, *joint)) if experiment.teacher.mean else ()
    teachers = (*own, *joint, *means)
    student_features = feature_files(features, [experiment.student.tagger], experiment.languages, data)
    students = tuple(
        _student(experiment, data, folder, there, system, seed, teachers, student_features)
        for seed in experiment.student.seeds
        for system in experiment.student.systems
    )
    return Plan(experiment, folder, features, teachers, students)


def only(plan: Plan, languages: Sequence[str]) -> Plan:
    """Return the part of stage one for some languages. Its pieces are those of the whole plan.

    Raises:
        ExperimentError: a language that the experiment does not have.
    """
    known = plan.experiment.languages
    for language in languages:
        if language not in known:
            raise ExperimentError(
                f"--only {language}: {plan.experiment.name} has the languages {', '.join(known)}"
                f"{did_you_mean(language, known)}"
            )
    teachers = tuple(teacher for teacher in plan.teachers if teacher.language in (*languages, ALL))
    read = {path for teacher in teachers for path in teacher.features}
    features = tuple(one for one in plan.features if one.path in read)
    return replace(plan, teachers=teachers, features=features, students=())


def _teacher(
    experiment: Experiment,
    data: Data,
    folder: Path,
    there: Place,
    language: str,
    fold: Fold | None,
    training: list[dict[str, Any]],
    features: tuple[FeaturePlan, ...],
) -> TeacherPlan:
    teacher = experiment.teacher
    held_out = [data.identity(language, split) for split in ("dev", "test")]
    held_out += [data.identity(foreign, "zero_shot") for foreign in data.zero_shot_languages]
    what = _foreign(teacher.external, data, language) if teacher.external else _own(teacher, language)
    settings = [language, *what]
    if fold:
        settings.append(str(fold))
    # The corpora of the other languages count too: the label set is the union over them.
    digests = digests_of(settings, [data.metric, training, held_out])
    key, mixing = name_digest(digests), teacher.answers == "folds"
    texts = {split: data.identity(language, split) for split in (() if fold and not mixing else data.texts(language))}
    sets: dict[Split, Any] = {"train": None} if fold or not teacher.folds else {}
    sets.update(texts.items())
    name = f"{language}-fold{fold.number}of{fold.of}" if fold else language
    trained, places = f"{name}-{key[:8]}", SetNames.of(there, name, key, teacher)
    return TeacherPlan(
        language,
        fold,
        digests,
        digest_json([digests["settings"], digests["corpora"]]),
        folder / "teachers" / trained,
        places.artifacts(sets),
        {split: text_plan(teacher, folder, language, split, identity) for split, identity in texts.items()},
        places.held_out if teacher.held_out and (mixing or fold is None) else None,
        feature_files(features, teacher_taggers(teacher, language), [language], data),
        stored_at(there, "teachers", trained),
        mixed=tuple(sets) if teacher.answers == "mean" else tuple(texts) if mixing else (),
    )


def _own(teacher: Teacher, language: str) -> list[Any]:
    """Return what determines a teacher that is trained here, beside its corpora."""
    tagger = teacher.tagger.in_language(language)
    return [teacher.seed, tagger.model_dump(), teacher.training.model_dump(), pretrained_digests(tagger)]


def _foreign(sources: SourcesConfig, data: Data, language: str) -> list[Any]:
    """Return what determines a teacher that was trained elsewhere."""
    splits = data.splits(language)
    return [sources.combine, *(source_digest(source, language, splits) for source in sources.serving(language))]


def _student(
    experiment: Experiment,
    data: Data,
    folder: Path,
    there: Place,
    system: SystemName,
    seed: int,
    teachers: Sequence[TeacherPlan],
    features: tuple[Path, ...],
) -> StudentPlan:
    student, taught = experiment.student, system != "baseline"
    parts = [student.tagger, student.training, *([student.distill] if taught else [])]
    settings = [system, seed, *(part.model_dump() for part in parts), pretrained_digests(student.tagger)]
    # The baseline has no use for text without gold labels.
    splits: tuple[Split, ...] = ("train", *(student.transfer if taught else ()))
    lessons = tuple(t.lessons[split] for split in splits for t in teachers if split in t.lessons)
    scored = HELD_OUT if student.test else ("dev",)
    held_out = [data.identity(language, split) for language, split in data.corpora() if split in scored]
    digests = {
        "settings": digest_json(settings),
        "corpora": digest_json([[lesson.name for lesson in lessons], held_out]),
        "versions": versions_of(LEARNING),
        "code": code_digest(*LEARNING),
    }
    read = [data.identity(language, split) for language, split in data.corpora() if split in splits]
    teaching = [experiment.teacher.annotation.model_dump(), [teacher.key for teacher in teachers]] if taught else []
    key = digest_json([digests["settings"], held_out, read, teaching])
    name = f"{system}-seed{seed}-{name_digest(digests)[:8]}"
    stored = stored_at(there, "students", name)
    return StudentPlan(system, seed, digests, key, folder / "students" / name, lessons, features, stored)
