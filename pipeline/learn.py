"""A job of stage two: train and score a student."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from artifacts.reader import ArtifactSet
from pipeline.data import Data
from pipeline.engine import Log
from pipeline.experiment import Experiment
from pipeline.jobs import about, evaluation, journal, open_features, trained, training_state, write_result
from pipeline.plan import StudentPlan
from student.distill import distill
from tagger.checkpoint import save_tagger
from tagger.evaluation import EvaluationSet
from tagger.model import Tagger
from tagger.ranks import ALONE, Ranks


def run_student(
    experiment: Experiment, plan: StudentPlan, artifacts: tuple[Path, ...], log: Log, ranks: Ranks = ALONE
) -> None:
    """Stage two for one system and seed, from finished artifact sets; of several ranks, the first writes."""
    data, settings = Data(experiment), experiment.student
    with journal(plan.folder / "log.jsonl", log) if ranks.first else nullcontext(log) as told:
        sets = [ArtifactSet.open(folder) for folder in artifacts]
        dev = {language: evaluation(data, language, "dev", told) for language in experiment.languages}
        resume = training_state(plan, settings.training, [one.identity for one in sets])
        student, result = distill(
            sets,
            dev,
            system=plan.system,
            tagger=settings.tagger,
            training=settings.training,
            config=settings.distill,
            seed=plan.seed,
            log=told,
            device=experiment.torch_device(),
            resume=resume,
            ranks=ranks,
            features=open_features(plan, told),
        )
        if not ranks.first:
            return
        save_tagger(student, plan.folder, about(experiment, data, list(experiment.languages)))
        scores = {"dev": _scores(student, dev)}
        scores["test"] = _scores(
            student, {language: evaluation(data, language, "test", told) for language in experiment.languages}
        )
        row = {"system": plan.system, "seed": plan.seed}
        write_result(plan.folder, row | scores | trained(student, result), experiment, plan.digests)
        resume.delete()


def _scores(tagger: Tagger, corpora: Mapping[str, EvaluationSet]) -> dict[str, float]:
    return {language: corpus.score(tagger) for language, corpus in corpora.items()}
