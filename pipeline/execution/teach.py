"""The first job of a teacher: train it, or open one from elsewhere, score it, and write answers about its corpora."""

import time
from collections.abc import Sequence
from itertools import chain

from structkd.corpora.labels import LabelSet
from structkd.corpora.sentences import Corpus, label_names
from structkd.ground.faults import explained
from structkd.ground.records import Log, Restarted
from structkd.pipeline.execution.annotating import annotate_own, open_teacher
from structkd.pipeline.execution.claims import CLAIM, claimed
from structkd.pipeline.execution.jobs import (
    about,
    held_out,
    journal,
    lesson,
    load,
    made_by_training,
    open_features,
    scores,
    trained,
    trained_elsewhere,
    training_state,
    write_result,
)
from structkd.pipeline.execution.sharing import fetch, share
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.experiment.grid import TEACHERS
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import ALL, JOURNAL, RESULT, TeacherPlan
from structkd.pipeline.plan.stored import is_shared
from structkd.pipeline.results.result import load_result
from structkd.tagger.checkpoint import load_tagger, save_tagger
from structkd.tagger.description import CheckpointError
from structkd.tagger.evaluation import EvaluationSets
from structkd.tagger.features import FeatureSet
from structkd.teachers.sources.base import TeacherSource, best_paths
from structkd.teachers.train import train_teacher


def task_labels(experiment: Experiment) -> tuple[str, ...]:
    """Return the task's labels: the ordered union over the training corpora of all languages."""
    data = Data(experiment)
    corpora = [data.load(language, "train")[0] for language in experiment.languages]
    return LabelSet.union(label_names(corpora)).names


def run_teacher(experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], log: Log) -> None:
    """Train a teacher, or open one from elsewhere, and write its answers about its own corpora; skip what is done."""
    with claimed(plan.folder / CLAIM), journal(plan.folder / JOURNAL, log) as told:
        fetch(plan)
        if plan.done:  # by another process, for which this one has waited
            return
        shared = plan.local and is_shared(plan.stored)
        features = open_features(plan, told)
        if plan.joint:
            fetch(plan.joint)
            if not plan.local:
                _copy_scores(experiment, plan, plan.joint)
            if not shared:
                share(plan)
        elif not experiment.teacher.external:
            _make_teacher(experiment, plan, labels, features, told)
            if not shared:
                share(plan)
        teacher = open_teacher(experiment, plan, labels, features)
        if experiment.teacher.external and not shared:
            if not plan.local:
                _score_foreign(experiment, plan, teacher, told)
            share(plan)
        annotate_own(experiment, plan, teacher, told)


def _score_foreign(experiment: Experiment, plan: TeacherPlan, teacher: TeacherSource, log: Log) -> None:
    """Write the result of a teacher that was trained elsewhere: its scores."""
    data, began, external = Data(experiment), time.perf_counter(), experiment.teacher.external
    assert external is not None
    sets = held_out(data, [plan.language], log)
    if external.on_disk(plan.language):
        sets["zero_shot"] = {}
    found = scores(sets, lambda corpus: corpus.outcomes_of(best_paths(teacher, corpus.corpus)))
    found |= {"system": TEACHERS, "seed": experiment.teacher.seed}
    found |= trained_elsewhere(time.perf_counter() - began)
    write_result(plan.folder, found, experiment, plan.digests)


def _copy_scores(experiment: Experiment, plan: TeacherPlan, joint: TeacherPlan) -> None:
    """Write the result of a teacher that stands for the joint one: the scores of this one in its language."""
    found = load_result(joint.folder)
    named = {
        name: {language: score for language, score in getattr(found, name).items() if language == plan.language}
        for name in ("dev", "test", "outcomes", "by_type")
    }
    scored = {"system": TEACHERS, "seed": found.seed, "zero_shot": found.zero_shot} | named
    write_result(plan.folder, scored | trained_elsewhere(0.0), experiment, plan.digests)


def _make_teacher(
    experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], features: Sequence[FeatureSet], log: Log
) -> None:
    """Train a teacher that is not trained, or whose checkpoint is damaged."""
    if plan.local and (fault := _damage(plan)):
        log(Restarted(fault))
        with explained(plan.folder / RESULT, "written"):
            (plan.folder / RESULT).unlink()  # first: what follows may be killed
    if not plan.local:
        _train_teacher(experiment, plan, labels, features, log)


def _damage(plan: TeacherPlan) -> str | None:
    """Return the fault of a trained teacher's checkpoint, if any."""
    try:
        load_tagger(plan.folder)
    except CheckpointError as error:
        return str(error)
    return None


def _train_teacher(
    experiment: Experiment, plan: TeacherPlan, labels: tuple[str, ...], features: Sequence[FeatureSet], log: Log
) -> None:
    data, settings = Data(experiment), experiment.teacher
    joint = plan.language == ALL
    languages = list(experiment.languages) if joint else [plan.language]
    training = settings.joint_training or settings.training if joint else settings.training
    corpora = [load(data, language, "train", log) for language in languages]
    train = Corpus(ALL, "train", tuple(chain(*corpora))) if joint else lesson(experiment, plan, corpora[0])
    sets = held_out(data, languages, log)
    resume = training_state(plan, training)
    teacher, result = train_teacher(
        train,
        EvaluationSets(list(sets["dev"].values())),
        LabelSet(labels),
        tagger=settings.tagger.in_language(plan.language),
        training=training,
        seed=settings.seed,
        log=log,
        device=experiment.torch_device(),
        resume=resume,
        features=features,
    )
    save_tagger(teacher, plan.folder, about(experiment, data, languages))
    judges = {"dev": sets["dev"], "test": {}, "zero_shot": {}} if plan.fold else sets
    found = {
        "system": TEACHERS,
        "fold": str(plan.fold) if plan.fold else None,
        "seed": settings.seed,
        "train_sentences": len(train),
        "train_tokens": train.tokens,
    }
    found |= scores(judges, lambda corpus: corpus.outcomes(teacher)) | trained(teacher, result)
    write_result(plan.folder, found, experiment, made_by_training(plan, resume))
    resume.delete()
