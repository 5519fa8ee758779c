"""Common parts of the jobs of both stages: corpora, scores, a journal, and the result, which is written last."""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from structkd.corpora.folds import outside
from structkd.corpora.sentences import Corpus, Split
from structkd.corpora.suspicions import suspicions
from structkd.ground.files import clear_temporaries, digest_json
from structkd.ground.journal import open_journal
from structkd.ground.records import (
    Annotated,
    CorpusChanged,
    CorpusSuspected,
    FeaturesRead,
    Log,
    Record,
    Updated,
    to_json,
)
from structkd.pipeline.execution.memory import peak_memory
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data, describe_limit
from structkd.pipeline.plan.features import cost_of
from structkd.pipeline.plan.pieces import STATE, StudentPlan, TeacherPlan, name_digest
from structkd.pipeline.results.result import Result, SentenceCounts, by_type, save_result
from structkd.tagger.analysis import analyse
from structkd.tagger.config import TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.features import FeatureSet
from structkd.tagger.model import Tagger
from structkd.tagger.resume import Resume
from structkd.tagger.scoring import Outcomes, score_of
from structkd.tagger.training import TrainingResult


def open_features(plan: TeacherPlan | StudentPlan, log: Log) -> list[FeatureSet]:
    """Open stored features of frozen encoders; the log gets the saved time."""
    if plan.features:
        cost = cost_of(plan.features)
        log(FeaturesRead(len(plan.features), int(cost["bytes"]), cost["seconds"]))
    return [FeatureSet.open(path) for path in plan.features]


def training_state(plan: TeacherPlan | StudentPlan, training: TrainingConfig, sets: Sequence[str] = ()) -> Resume:
    """Return the place of a training's state until its result is written.

    A state must have the same settings, corpora, results versions and artifact sets. Other code of these versions gives
    the same results, so its state is used too; the log and the result name this code.
    """
    identity = digest_json([name_digest(plan.digests), *sets])
    return Resume(plan.folder / STATE, identity, training.checkpoint_seconds, plan.digests["code"])


def made_by_training(plan: TeacherPlan | StudentPlan, resume: Resume) -> dict[str, str]:
    """Return a plan's digests, and the code at the start of its training if that was other code."""
    return plan.digests | ({"code_before": ", ".join(resume.earlier)} if resume.earlier else {})


def load(data: Data, language: str, split: Split, log: Log) -> Corpus:
    """Load a corpus; the log gets the changes by the reader and the length limit, and warnings."""
    corpus, report = data.load(language, split)
    if corpus.changes:
        log(CorpusChanged(language, split, **asdict(corpus.changes)))
    if split == "train":
        for reason in suspicions(corpus):
            log(CorpusSuspected(language, split, reason))
    limited = describe_limit(corpus, report)
    if limited:
        log(limited)
    return corpus


def evaluation(data: Data, language: str, split: Split, log: Log) -> EvaluationSet:
    """Load a corpus for scoring, as `load` does."""
    return EvaluationSet(load(data, language, split, log), data.metric, data.scheme)


def lesson(experiment: Experiment, plan: TeacherPlan, train: Corpus) -> Corpus:
    """Return the training data of a teacher: its language's corpus, without its fold if it has one."""
    return outside(train, plan.fold, experiment.teacher.seed) if plan.fold else train


HeldOut = dict[str, dict[str, EvaluationSet]]
Fields = dict[str, Any]
"""Fields of a `Result`, or of a checkpoint's description."""


def held_out(data: Data, languages: Sequence[str], log: Log, *, test: bool = True) -> HeldOut:
    """Load the corpora for scoring a tagger of some languages, by `dev`, `test` and `zero_shot`, and by language.

    Without `test`, those of dev alone.
    """
    wanted: dict[Split, Sequence[str]] = {
        "dev": languages,
        "test": languages if test else (),
        "zero_shot": data.zero_shot_languages if test else (),
    }
    return {split: {name: evaluation(data, name, split, log) for name in names} for split, names in wanted.items()}


def scores(sets: HeldOut, outcomes: Callable[[EvaluationSet], Outcomes]) -> Fields:
    """Return a tagger's scores for its result: percent by corpus and language, and counts and types on test."""
    found = {
        name: {language: outcomes(corpus) for language, corpus in corpora.items()} for name, corpora in sets.items()
    }
    percents: Fields = {
        name: {language: score_of(one) for language, one in by_language.items()} for name, by_language in found.items()
    }
    counts, types = {}, {}
    for language, one in found["test"].items():
        corpus = sets["test"][language]
        counts[language] = SentenceCounts(right=one.right, predicted=one.predicted, gold=one.gold)
        types[language] = by_type(analyse(corpus.gold, one.labels, corpus.scheme))
    return percents | {"outcomes": counts, "by_type": types}


def about(experiment: Experiment, data: Data, languages: list[str]) -> Fields:
    """Return the description of a tagger for its checkpoint."""
    return {"experiment": experiment.name, "languages": languages, "metric": data.metric, "scheme": data.scheme}


def trained(tagger: Tagger, result: TrainingResult) -> Fields:
    """Return the part of a result about a training."""
    cost = {"parameters": tagger.parameter_count, "device": tagger.device.type, "peak_memory": peak_memory()}
    return asdict(result) | cost


def trained_elsewhere(seconds: float) -> Fields:
    """Return the same as `trained` for a teacher from elsewhere, which has a time but no training."""
    nothing: Fields = {"best_dev": None, "best_update": 0, "updates": 0, "words": 0, "curve": []}
    return nothing | {"seconds": seconds, "parameters": 0, "device": None, "peak_memory": None}


def write_result(folder: Path, found: Fields, experiment: Experiment, digests: dict[str, str]) -> None:
    """Write a piece's result: what was `found`, and its provenance."""
    provenance: Fields = {
        "experiment": experiment.name,
        **{f"{split}_mean": fmean(found[split].values()) for split in ("dev", "test") if found[split]},
        "digests": {"experiment": experiment.digest} | digests,
        "versions": {"structkd": version("structkd"), "torch": version("torch"), "python": platform.python_version()},
    }
    save_result(folder, Result(**found, **provenance))


@contextmanager
def journal(path: Path, log: Log) -> Iterator[Log]:
    """Pass records on, and write all except single updates as JSON lines.

    The rest of a killed run is removed: temporary files beside the journal, and a last line without line end.
    """
    with open_journal(path) as kept:
        clear_temporaries(path.parent)

        def write(record: Record) -> None:
            if not isinstance(record, Updated | Annotated):
                kept.write(to_json(record))
            log(record)

        yield write
