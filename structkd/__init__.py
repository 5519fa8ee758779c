"""structkd: distil many monolingual sequence labellers into one multilingual model, in two offline stages.

This module is the public API; everything else is internal. Importing it is cheap: a name is loaded at its first use.

    import structkd

    experiment = structkd.load_experiment("demo")
    print(structkd.distill(experiment))  # both stages; a polars frame of scores
    student = structkd.load(structkd.run_students(experiment)["exact", 1])
    print(student.tag(["Ada flew to Oslo."]))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structkd.artifacts.reader import ArtifactSet
    from structkd.crf.chain import LinearChain
    from structkd.pipeline.api import (
        distill,
        load,
        result_table,
        run_students,
        run_teachers,
        score,
        train_student,
    )
    from structkd.pipeline.experiment.experiment import Experiment, load_experiment
    from structkd.runtime.splitting import Word
    from structkd.runtime.tagging import Entity, Labeling, Tagged, TextTagger, Wanted
    from structkd.student.objectives import Signals, System

    __version__: str

__all__ = [
    "ArtifactSet",
    "Entity",
    "Experiment",
    "Labeling",
    "LinearChain",
    "Signals",
    "System",
    "Tagged",
    "TextTagger",
    "Wanted",
    "Word",
    "__version__",
    "distill",
    "load",
    "load_experiment",
    "result_table",
    "run_students",
    "run_teachers",
    "score",
    "train_student",
]

_HOMES = {
    "ArtifactSet": "artifacts.reader",
    "Entity": "runtime.tagging",
    "Experiment": "pipeline.experiment.experiment",
    "Labeling": "runtime.tagging",
    "LinearChain": "crf.chain",
    "Signals": "student.objectives",
    "System": "student.objectives",
    "Tagged": "runtime.tagging",
    "TextTagger": "runtime.tagging",
    "Wanted": "runtime.tagging",
    "Word": "runtime.splitting",
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
