"""The functions of the public API; `import structkd` offers them.

Nothing is printed unless `progress` is set. With `workers` above 1, jobs run in their own processes, which import the
calling script again: put its own work under `if __name__ == "__main__":`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from structkd.artifacts.stores.places import Place, parse_place
from structkd.pipeline.execution.engines import choose_engine
from structkd.pipeline.execution.schedule import Listen
from structkd.pipeline.execution.sharing import fetch_finished
from structkd.pipeline.execution.stages import Display
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.pieces import RUNS, StudentPlan, make_plan
from structkd.student.config import SystemName

if TYPE_CHECKING:  # a finished experiment needs neither torch nor polars until somebody asks for what is in it
    import polars as pl

    from structkd.runtime.tagging import TextTagger
    from structkd.student.objectives import System
    from structkd.tagger.evaluation import EvaluationSet
    from structkd.tagger.model import Tagger


def run_teachers(
    experiment: Experiment, *, workers: int | None = 1, progress: bool = False, runs: str | Path = RUNS
) -> tuple[Place, ...]:
    """Stage one: train the teachers that are not trained yet, and write their answers.

    Args:
        experiment: an experiment from `load_experiment`.
        workers: number of jobs side by side; None takes the number of GPUs, or else of cores.
        progress: show progress on standard output.
        runs: folder of results; they are in a subfolder with the experiment's name. Or an address in an object store
            (s3://, gs://, az://) for the artifact sets, with all other results in the folder `runs`.

    Returns:
        The places of all artifact sets; open one with `ArtifactSet.open`.

    Raises:
        CorpusError, EncoderError, SourceError: an unusable corpus, encoder or teacher from elsewhere.
        EngineError: a job that could not finish.
    """
    from structkd.pipeline.execution import stages

    plan = make_plan(experiment, parse_place(runs))
    stages.run_teachers([plan], choose_engine(workers), _display(progress))
    return tuple(folder for teacher in plan.teachers for folder in teacher.sets)


def run_students(
    experiment: Experiment, *, workers: int | None = 1, progress: bool = False, runs: str | Path = RUNS
) -> dict[tuple[str, int], Path]:
    """Stage two, after stage one: train the students that are not trained yet. Arguments as in `run_teachers`.

    Returns:
        The folder of each student by system and seed; `load` opens it.

    Raises:
        ArtifactError: artifact sets that are not there, or damaged.
    """
    from structkd.pipeline.execution import stages

    plan = make_plan(experiment, parse_place(runs))
    stages.run_students([plan], choose_engine(workers), _display(progress))
    return {(student.system, student.seed): student.folder for student in plan.students}


def distill(
    experiment: Experiment, *, workers: int | None = 1, progress: bool = False, runs: str | Path = RUNS
) -> "pl.DataFrame":
    """Run both stages; finished pieces are kept. Arguments as in `run_teachers`. Returns `result_table`."""
    run_teachers(experiment, workers=workers, progress=progress, runs=runs)
    run_students(experiment, workers=workers, progress=progress, runs=runs)
    return result_table(experiment, runs=runs)


def result_table(experiment: Experiment, *, runs: str | Path = RUNS) -> "pl.DataFrame":
    """Return the scores of all finished pieces: a row for each system, seed, language and split.

    Columns: `system` (`teachers` for the teachers), `seed`, `language`, `split` (dev, test, zero_shot), `score`
    in percent: strict span F1, or accuracy for tags.
    """
    from structkd.pipeline.results.comparisons import score_rows
    from structkd.pipeline.results.findings import plan_findings

    plan = make_plan(experiment, parse_place(runs))
    fetch_finished([plan])
    (task,) = plan_findings(plan).tasks
    return score_rows(task.entries).select("system", "seed", "language", "split", "score")


def train_student(
    experiment: Experiment,
    system: "SystemName | System",
    folder: str | Path,
    *,
    seed: int = 1,
    runs: str | Path = RUNS,
) -> "TextTagger":
    """Train one student with an objective of your own, from the artifact sets of a finished stage one.

    All other settings are the experiment's. The student with the best dev score is saved in `folder`; a tagger that is
    already there is replaced.

    Args:
        system: a `System`: the loss, and the columns of the sets that it reads; or the name of one of the paper's.

    Raises:
        ArtifactError: artifact sets that are not there, or damaged.
    """
    from structkd.artifacts.reader import ArtifactSet
    from structkd.student.distill import distill as train
    from structkd.tagger.features import FeatureSet

    plan, settings = _lessons(experiment, seed, parse_place(runs)), experiment.student
    tagger, _ = train(
        [ArtifactSet.open(one) for one in plan.artifacts],
        _evaluation_sets(experiment, "dev"),
        system=system,
        tagger=settings.tagger,
        training=settings.training,
        config=settings.distill,
        seed=seed,
        log=lambda record: None,
        device=experiment.torch_device(),
        features=[FeatureSet.open(path) for path in plan.features if path.is_file()],
    )
    _save(tagger, Path(folder), experiment)
    return load(folder)


def _lessons(experiment: Experiment, seed: int, runs: Place) -> StudentPlan:
    """Return the plan of a student that learns from everything that the experiment's teachers wrote."""
    student = experiment.student.model_copy(update={"systems": ("exact",), "seeds": (seed,)})
    (plan,) = make_plan(experiment.model_copy(update={"student": student}), runs).students
    return plan


def _save(tagger: "Tagger", folder: Path, experiment: Experiment) -> None:
    from structkd.pipeline.execution.jobs import about
    from structkd.pipeline.plan.corpora import Data
    from structkd.tagger.checkpoint import save_tagger

    save_tagger(tagger, folder, about(experiment, Data(experiment), list(experiment.languages)))


def load(folder: str | Path) -> "TextTagger":
    """Open a trained teacher or student, ready to tag: on the GPU if there is one, else on the CPU.

    Raises:
        CheckpointError: it is missing, damaged, or needs an encoder that has changed.
    """
    from structkd.tagger.opening import open_tagger

    return open_tagger(Path(folder))


def score(tagger: "TextTagger", experiment: Experiment, split: Literal["dev", "test"] = "test") -> dict[str, float]:
    """Return a tagger's score on each language's corpus, in percent: strict span F1, or accuracy for tags."""
    return {language: one.score_texts(tagger) for language, one in _evaluation_sets(experiment, split).items()}


def _evaluation_sets(experiment: Experiment, split: Literal["dev", "test"]) -> "dict[str, EvaluationSet]":
    from structkd.pipeline.plan.corpora import Data
    from structkd.tagger.evaluation import EvaluationSet

    data = Data(experiment)
    corpora = {language: data.load(language, split)[0] for language in experiment.languages}
    return {language: EvaluationSet(corpus, data.metric, data.scheme) for language, corpus in corpora.items()}


def _display(progress: bool) -> Display:
    if not progress:
        return Silent()
    from rich.console import Console

    from structkd.pipeline.execution.progress import choose_display

    return choose_display(Console(markup=False, highlight=False))


class Silent:
    """A display that shows nothing."""

    @contextmanager
    def watch(self, heading: str, titles: list[str]) -> Iterator[Listen]:
        """See `pipeline.execution.stages.Display`."""
        yield lambda title, record: None
