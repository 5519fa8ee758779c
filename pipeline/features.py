"""Features of frozen encoders: which files an experiment needs, and making them. They serve all experiments."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpora.files import clear_temporaries, digest_json, write_json
from corpora.sentences import Split
from pipeline.data import Data
from pipeline.engine import Log, Record
from pipeline.experiment import Experiment
from tagger.config import TaggerConfig, TransformerConfig
from tagger.encoders.pretrained import features_digest

FOLDER = "features"


@dataclass(frozen=True)
class FeaturePlan:
    """One frozen encoder's features of one corpus."""

    language: str
    split: Split
    encoder: TransformerConfig
    digest: str
    """Of the encoder, as its features depend on it: settings that differ otherwise share them."""
    path: Path

    @property
    def done(self) -> bool:
        """Whether they are there, and what they cost."""
        return self.path.is_file() and self.path.with_suffix(".json").is_file()


def plan_features(experiment: Experiment, data: Data, runs: Path) -> tuple[FeaturePlan, ...]:
    """The features of all corpora by all frozen encoders of teachers and students."""
    encoders = {
        features_digest(encoder): encoder
        for tagger in (*([] if experiment.teacher.external else [experiment.teacher.tagger]), experiment.student.tagger)
        for encoder in tagger.transformers
        if encoder.frozen
    }
    return tuple(
        FeaturePlan(language, split, encoder, digest, runs / FOLDER / f"{language}-{split}-{key[:16]}.safetensors")
        for digest, encoder in encoders.items()
        for language, split in data.corpora()
        for key in [digest_json([digest, data.identity(language, split)])]
    )


def run_features(experiment: Experiment, plan: FeaturePlan, log: Log) -> None:
    """Run one encoder over one corpus."""
    from tagger.encoders.transformer import Frozen

    began = time.perf_counter()
    clear_temporaries(plan.path.parent, plan.path.name)
    corpus, _ = Data(experiment).load(plan.language, plan.split)

    distinct = len({sentence.tokens for sentence in corpus})

    def progress(done: int) -> None:
        log({"event": "annotated", "sentences": done, "of": distinct})

    encoder = Frozen(plan.encoder).to(experiment.torch_device())
    encoder.write_features(plan.path, [sentence.tokens for sentence in corpus], progress)
    cost = {"bytes": plan.path.stat().st_size, "seconds": time.perf_counter() - began}
    write_json(plan.path.with_suffix(".json"), cost)
    log({"event": "features", **cost})


def cost_of(paths: Sequence[Path]) -> Record:
    """Bytes of feature files, and the seconds for which encoders ran to make them."""
    found = [json.loads(path.with_suffix(".json").read_text("utf-8")) for path in paths]
    return {key: sum(cost[key] for cost in found) for key in ("bytes", "seconds")}


def feature_files(plans: Sequence[FeaturePlan], tagger: TaggerConfig, languages: Sequence[str]) -> tuple[Path, ...]:
    """The files that a tagger for some languages reads; languages that nobody is trained on are for all taggers."""
    digests = {features_digest(encoder) for encoder in tagger.transformers if encoder.frozen}
    mine = [plan for plan in plans if plan.language in languages or plan.split == "zero-shot"]
    return tuple(plan.path for plan in mine if plan.digest in digests)
