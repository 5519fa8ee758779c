"""Plans of teachers beyond one language: a joint teacher, and means of several teachers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from structkd.artifacts.stores.places import Place
from structkd.corpora.sentences import Split
from structkd.ground.files import digest_json
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.features import FeaturePlan, feature_files
from structkd.pipeline.plan.teachers import ALL, SetNames, TeacherPlan, digests_of, name_digest, stored_at, text_plan
from structkd.tagger.encoders.pretrained import pretrained_digests


def joint_teachers(
    experiment: Experiment,
    data: Data,
    folder: Path,
    there: Place,
    training: list[dict[str, Any]],
    features: tuple[FeaturePlan, ...],
) -> tuple[TeacherPlan, ...]:
    """Return the teacher that is trained on all languages together, and those that stand for it, one a language."""
    teacher, languages = experiment.teacher, experiment.languages
    held_out = [data.identity(language, split) for language in languages for split in ("dev", "test")]
    held_out += [data.identity(foreign, "zero_shot") for foreign in data.zero_shot_languages]
    updates = teacher.joint_training or teacher.training
    settings = [
        ALL,
        teacher.seed,
        teacher.tagger.model_dump(),
        updates.model_dump(),
        pretrained_digests(teacher.tagger),
    ]
    digests = digests_of(settings, [data.metric, training, held_out])
    name = f"joint-{name_digest(digests)[:8]}"
    key = digest_json([digests["settings"], digests["corpora"]])
    used = feature_files(features, [teacher.tagger], languages, data)
    stored = stored_at(there, "teachers", name)
    joint = TeacherPlan(ALL, None, digests, key, folder / "teachers" / name, {}, {}, None, used, stored)
    return joint, *(_in_language(experiment, data, folder, there, language, joint) for language in languages)


def _in_language(
    experiment: Experiment, data: Data, folder: Path, there: Place, language: str, joint: TeacherPlan
) -> TeacherPlan:
    teacher = experiment.teacher
    digests = digests_of([language, joint.digests["settings"]], [joint.digests["corpora"]])
    texts = {split: data.identity(language, split) for split in data.texts(language)}
    sets: dict[Split, Any] = {"train": None}
    sets.update(texts.items())
    name, key = f"{language}-joint", name_digest(digests)
    places = SetNames.of(there, name, key, teacher)
    return TeacherPlan(
        language,
        None,
        digests,
        digest_json([digests["settings"], digests["corpora"]]),
        folder / "teachers" / f"{name}-{key[:8]}",
        places.artifacts(sets),
        {split: text_plan(teacher, folder, language, split, identity) for split, identity in texts.items()},
        places.held_out if teacher.held_out else None,
        joint.features,
        stored_at(there, "teachers", f"{name}-{key[:8]}"),
        joint=joint,
        mixed=tuple(sets) if teacher.mean else (),
    )


def mean_teachers(
    experiment: Experiment, folder: Path, there: Place, teachers: Sequence[TeacherPlan]
) -> tuple[TeacherPlan, ...]:
    """Return the mean of each language's `teachers`, over the sets in whose place students read it."""
    return tuple(
        _mean(experiment, folder, there, language, tuple(one for one in teachers if one.language == language))
        for language in experiment.languages
    )


def _mean(
    experiment: Experiment, folder: Path, there: Place, language: str, parts: tuple[TeacherPlan, ...]
) -> TeacherPlan:
    digests = digests_of(
        ["mean", language, *(part.digests["settings"] for part in parts)], [part.digests["corpora"] for part in parts]
    )
    name, key = f"{language}-mean", name_digest(digests)
    places = SetNames.of(there, name, key, experiment.teacher)
    return TeacherPlan(
        language,
        None,
        digests,
        digest_json([digests["settings"], digests["corpora"]]),
        folder / "teachers" / f"{name}-{key[:8]}",
        places.artifacts({split: [part.artifacts[split].name for part in parts] for split in parts[0].mixed}),
        {},
        places.held_out,
        (),
        stored_at(there, "teachers", f"{name}-{key[:8]}"),
        parts=parts,
    )
