"""Opening a teacher from its settings."""

from collections.abc import Sequence

import torch

from structkd.corpora.labels import LabelSet
from structkd.tagger.checkpoint import load_tagger
from structkd.tagger.features import FeatureSet
from structkd.teachers.sources.base import TeacherSource
from structkd.teachers.sources.combine import Combination
from structkd.teachers.sources.config import (
    CheckpointConfig,
    HuggingFaceConfig,
    SourceConfig,
    SourcesConfig,
    TaskScheme,
)
from structkd.teachers.sources.huggingface import TokenClassificationSource
from structkd.teachers.sources.predictions import PredictionsSource
from structkd.teachers.sources.tagger import TaggerSource


def open_source(
    config: SourcesConfig,
    language: str,
    labels: LabelSet,
    scheme: TaskScheme | None,
    device: torch.device | str = "cpu",
    features: Sequence[FeatureSet] = (),
) -> TeacherSource:
    """Open the teacher of a language: its only source, or the combination of its sources.

    Frozen encoders of this project's taggers read stored `features`.

    Raises:
        SourceError: no source serves the language, or one cannot be used.
        CheckpointError: a tagger's folder cannot be read.
    """
    serving = config.serving(language)
    sources = [_open(source, language, labels, scheme, device, features) for source in serving]
    if len(sources) == 1:
        return sources[0]
    return Combination(sources, config.combine, [source.weight for source in serving])


def _open(
    config: SourceConfig,
    language: str,
    labels: LabelSet,
    scheme: TaskScheme | None,
    device: torch.device | str,
    features: Sequence[FeatureSet],
) -> TeacherSource:
    if isinstance(config, CheckpointConfig):
        folder = config.folder_of(language)
        tagger = load_tagger(folder).to(device)
        tagger.attach(features)
        return TaggerSource(tagger, labels, str(folder))
    if isinstance(config, HuggingFaceConfig):
        mine = config.model_copy(update={"model": config.model_of(language)})
        return TokenClassificationSource(mine, labels, scheme, device)
    return PredictionsSource(config, labels, scheme)
