"""structkd: distil many monolingual sequence labellers into one multilingual model, in two offline stages.

This module is the public API; everything else is internal. Importing it is cheap: a name is loaded at its first use.

    import structkd

    experiment = structkd.load_experiment("demo")
    print(structkd.distill(experiment))  # both stages; a polars frame of scores
    student = structkd.load_tagger(structkd.run_students(experiment)["exact", 1])
    print(structkd.tag(student, [["Ada", "flew", "to", "Oslo"]]))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structkd.artifacts.reader import ArtifactSet
    from structkd.crf.chain import LinearChain
    from structkd.pipeline.api import (
        TaggedSentence,
        distill,
        load_tagger,
        result_table,
        run_students,
        run_teachers,
        score,
        tag,
        train_student,
    )
    from structkd.pipeline.experiment.experiment import Experiment, load_experiment
    from structkd.student.objectives import Signals, System
    from structkd.tagger.model import Tagger

    __version__: str

__all__ = [
    "ArtifactSet",
    "Experiment",
    "LinearChain",
    "Signals",
    "System",
    "TaggedSentence",
    "Tagger",
    "__version__",
    "distill",
    "load_experiment",
    "load_tagger",
    "result_table",
    "run_students",
    "run_teachers",
    "score",
    "tag",
    "train_student",
]

_HOMES = {
    "ArtifactSet": "artifacts.reader",
    "Experiment": "pipeline.experiment.experiment",
    "LinearChain": "crf.chain",
    "Signals": "student.objectives",
    "System": "student.objectives",
    "Tagger": "tagger.model",
    "load_experiment": "pipeline.experiment.experiment",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("structkd")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    return getattr(import_module(f"structkd.{_HOMES.get(name, 'pipeline.api')}"), name)


def __dir__() -> list[str]:
    return __all__
