"""The basis of a teacher's hidden states: fitted once, and kept beside the teacher's weights."""

from pydantic import ValidationError

from structkd.artifacts.hidden import HiddenBasis
from structkd.ground.faults import FileError
from structkd.ground.files import digest_file
from structkd.ground.sealed import SealError, read_sealed, write_sealed
from structkd.pipeline.execution.jobs import lesson
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import TeacherPlan
from structkd.tagger.checkpoint import WEIGHTS
from structkd.tagger.model import Tagger
from structkd.teachers.hidden import HiddenSource, fit_basis


def hidden_source(experiment: Experiment, plan: TeacherPlan, tagger: Tagger) -> HiddenSource:
    """Return a trained teacher with the basis of its hidden states.

    It is fitted on the teacher's training corpus if there is none of these weights yet.
    """
    dim = experiment.teacher.annotation.hidden
    path, weights = plan.folder / f"hidden{dim}.json", digest_file(plan.folder / WEIGHTS)
    try:
        kept = read_sealed(path)
        if kept["weights"] == weights:
            return HiddenSource(tagger, HiddenBasis.model_validate(kept["basis"]))
    except (SealError, FileError, KeyError, ValidationError):
        pass  # missing or damaged: fitted again, and the sets show if it is another one
    train, _ = Data(experiment).load(plan.language, "train")
    basis = fit_basis(tagger, lesson(experiment, plan, train), dim)
    write_sealed(path, {"weights": weights, "basis": basis.model_dump()})
    return HiddenSource(tagger, basis)
