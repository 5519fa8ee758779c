"""A job before both stages: run a frozen encoder over corpora and keep its features."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from structkd.ground.files import clear_temporaries
from structkd.ground.records import Annotated, FeaturesWritten, LeftAside, Log
from structkd.pipeline.execution.claims import CLAIM, claimed
from structkd.pipeline.execution.sharing import fetch, share
from structkd.pipeline.experiment.experiment import Experiment
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.features import Cost, FeaturePlan

if TYPE_CHECKING:
    from structkd.tagger.features import FeatureSet  # loads torch


def run_features(experiment: Experiment, plans: Sequence[FeaturePlan], log: Log) -> None:
    """Run one encoder over corpora of one language. Features in earlier files are copied."""
    first = plans[0]
    with claimed(first.path.parent / f".{first.language}-{first.digest[:16]}{CLAIM}"):
        waiting = [plan for plan in plans if not fetch(plan)]
        left = [plan for plan in waiting if not plan.local]  # by another process, for which this one has waited
        if left:
            _run_encoder(experiment, left, log)
        for plan in waiting:
            share(plan)


def _run_encoder(experiment: Experiment, plans: Sequence[FeaturePlan], log: Log) -> None:
    from structkd.tagger.encoders.transformer import Frozen

    data, first = Data(experiment), plans[0]
    texts = [[sentence.tokens for sentence in data.load(first.language, plan.split)[0]] for plan in plans]
    total, done = sum(len({*text}) for text in texts), 0
    encoder = Frozen(first.encoder).to(experiment.torch_device())
    encoder.attach(_there(first, log))

    def progress(sentences: int) -> None:
        log(Annotated(done + sentences, total))

    for plan, text in zip(plans, texts, strict=True):
        began = time.perf_counter()
        clear_temporaries(plan.path.parent, plan.path.name)
        encoder.write_features(plan.path, text, progress)
        done += len({*text})
        size, seconds = plan.path.stat().st_size, time.perf_counter() - began
        Cost(bytes=size, seconds=seconds, precision=encoder.precision).write(plan.path)
        log(FeaturesWritten(plan.split, size, seconds))


def _there(plan: FeaturePlan, log: Log) -> "list[FeatureSet]":
    """Return the language's feature files of any corpus and encoder."""
    from structkd.tagger.features import FeatureError, FeatureSet

    found = []
    for path in sorted(plan.path.parent.glob(f"{plan.language}-*.safetensors")):
        try:
            found.append(FeatureSet.open(path))
        except FeatureError as error:
            log(LeftAside(str(error)))
    return found
