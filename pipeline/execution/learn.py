"""A job of stage two: train and score a student."""

from contextlib import nullcontext

from structkd.artifacts.reader import ArtifactSet
from structkd.ground.records import Log
from structkd.pipeline.execution.claims import CLAIM, claimed_by_first
from structkd.pipeline.execution.jobs import (
    about,
    held_out,
    journal,
    made_by_training,
    open_features,
    scores,
    trained,
    training_state,
    write_result,
)
from structkd.pipeline.execution.sharing import fetch, share
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import JOURNAL, RESULT, StudentPlan
from structkd.pipeline.plan.stored import is_shared
from structkd.pipeline.results.provenance import sets_digest
from structkd.student.distill import distill
from structkd.tagger.checkpoint import save_tagger
from structkd.tagger.ranks import ALONE, Ranks


def run_student(experiment: Experiment, plan: StudentPlan, log: Log, ranks: Ranks = ALONE) -> None:
    """Run stage two for one system and seed, from finished artifact sets; of several ranks, the first writes."""
    with claimed_by_first(plan.folder / CLAIM, ranks):
        if ranks.first:
            fetch(plan)
        finished = ranks.from_first((plan.folder / RESULT).is_file())  # by a process for which this one has waited
        if not finished:
            _train_student(experiment, plan, log, ranks)
        if ranks.first and not (finished and is_shared(plan.stored)):
            share(plan)


def _train_student(experiment: Experiment, plan: StudentPlan, log: Log, ranks: Ranks) -> None:
    data, settings = Data(experiment), experiment.student
    with journal(plan.folder / JOURNAL, log) if ranks.first else nullcontext(log) as told:
        sets = [ArtifactSet.open(folder) for folder in plan.artifacts]
        judges = held_out(data, experiment.languages, told, test=settings.test)
        identities = [one.identity for one in sets]
        resume = training_state(plan, settings.training, identities)
        student, result = distill(
            sets,
            judges["dev"],
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
        found = {"system": plan.system, "seed": plan.seed} | trained(student, result)
        found |= scores(judges, lambda corpus: corpus.outcomes(student))
        digests = made_by_training(plan, resume) | {"sets": sets_digest(identities)}
        write_result(plan.folder, found, experiment, digests)
        resume.delete()
