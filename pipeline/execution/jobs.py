"""What the jobs of both stages have in common: corpora, scores, a journal, and the result, which is written last."""

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from structkd.corpora.files import clear_temporaries, digest_json
from structkd.corpora.records import Annotated, FeaturesRead, Log, Record, Updated, to_json
from structkd.corpora.sentences import Corpus, Split
from structkd.pipeline.execution.memory import peak_memory
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data, describe_limit
from structkd.pipeline.plan.features import cost_of
from structkd.pipeline.plan.pieces import STATE, StudentPlan, TeacherPlan, name_digest
from structkd.pipeline.results.result import Result, SentenceCounts, save_result
from structkd.tagger.config import TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.features import FeatureSet
from structkd.tagger.model import Tagger
from structkd.tagger.resume import Resume
from structkd.tagger.scoring import Outcomes, score_of
from structkd.tagger.training import TrainingResult


def open_features(plan: TeacherPlan | StudentPlan, log: Log) -> list[FeatureSet]:
    """What frozen encoders have said; the log tells what need not be computed again."""
    if plan.features:
        cost = cost_of(plan.features)
        log(FeaturesRead(len(plan.features), int(cost["bytes"]), cost["seconds"]))
    return [FeatureSet.open(path) for path in plan.features]


def training_state(plan: TeacherPlan | StudentPlan, training: TrainingConfig, sets: Sequence[str] = ()) -> Resume:
    """Where a training keeps its state until its result is written.

    It goes on from a state of the same settings, corpora, results versions and artifact sets. Other code of these
    versions gives the same results, so it goes on too, but it says so, here and in the result.
    """
    identity = digest_json([name_digest(plan.digests), *sets])
    return Resume(plan.folder / STATE, identity, training.checkpoint_seconds, plan.digests["code"])


def made_by_training(plan: TeacherPlan | StudentPlan, resume: Resume) -> dict[str, str]:
    """A plan's digests, and the code under which its training began where that was another."""
    return plan.digests | ({"code_before": ", ".join(resume.earlier)} if resume.earlier else {})


def load(data: Data, language: str, split: Split, log: Log) -> Corpus:
    """A corpus; the log tells what the length limit did."""
    corpus, report = data.load(language, split)
    limited = describe_limit(corpus, report)
    if limited:
        log(limited)
    return corpus


def evaluation(data: Data, language: str, split: Split, log: Log) -> EvaluationSet:
    """A corpus to score on, as `load` has it."""
    return EvaluationSet(load(data, language, split, log), data.metric, data.scheme)


HeldOut = dict[str, dict[str, EvaluationSet]]
Fields = dict[str, Any]
"""Fields of a `Result`, or of what a checkpoint says."""


def held_out(data: Data, languages: Sequence[str], log: Log) -> HeldOut:
    """What a tagger for some languages is scored on, by `dev`, `test` and `zero_shot`, and by language."""
    return {
        "dev": {language: evaluation(data, language, "dev", log) for language in languages},
        "test": {language: evaluation(data, language, "test", log) for language in languages},
        "zero_shot": {language: evaluation(data, language, "zero_shot", log) for language in data.zero_shot_languages},
    }


def scores(sets: HeldOut, outcomes: Callable[[EvaluationSet], Outcomes]) -> Fields:
    """What a result says of a tagger: scores in percent by corpus and language, and the outcomes on test."""
    found = {
        name: {language: outcomes(corpus) for language, corpus in corpora.items()} for name, corpora in sets.items()
    }
    percents: Fields = {
        name: {language: score_of(one) for language, one in by_language.items()} for name, by_language in found.items()
    }
    counts = {language: SentenceCounts(**asdict(one)) for language, one in found["test"].items()}
    return percents | {"outcomes": counts}


def about(experiment: Experiment, data: Data, languages: list[str]) -> Fields:
    """What a checkpoint says of its tagger."""
    return {"experiment": experiment.name, "languages": languages, "metric": data.metric, "scheme": data.scheme}


def trained(tagger: Tagger, result: TrainingResult) -> Fields:
    """What a result says of a training."""
    cost = {"parameters": tagger.parameter_count, "device": tagger.device.type, "peak_memory": peak_memory()}
    return asdict(result) | cost


def trained_elsewhere(seconds: float) -> Fields:
    """As `trained`, of a teacher that only took time to be asked."""
    nothing: Fields = {"best_dev": None, "best_update": 0, "updates": 0, "words": 0, "curve": []}
    return nothing | {"seconds": seconds, "parameters": 0, "device": None, "peak_memory": None}


def write_result(folder: Path, found: Fields, experiment: Experiment, digests: dict[str, str]) -> None:
    """Write a piece's result: what was `found`, and what made it."""
    provenance: Fields = {
        "experiment": experiment.name,
        **{f"{split}_mean": fmean(found[split].values()) for split in ("dev", "test") if found[split]},
        "digests": {"experiment": experiment.digest} | digests,
        "versions": {"structkd": version("structkd"), "torch": version("torch"), "python": platform.python_version()},
    }
    save_result(folder, Result(**found, **provenance))


@contextmanager
def journal(path: Path, log: Log) -> Iterator[Log]:
    """Pass records on, and keep all but the single updates as JSON lines.

    What a killed run left is cleared away: temporary files beside the journal, and a last line without its end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_temporaries(path.parent)
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)

        def write(record: Record) -> None:
            if not isinstance(record, Updated | Annotated):
                file.write(f"{to_json(record)}\n".encode())
                file.flush()
            log(record)

        yield write
