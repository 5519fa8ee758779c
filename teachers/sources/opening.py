"""From settings to a teacher."""

from pathlib import Path

import torch

from corpora.labels import LabelSet
from tagger.checkpoint import load_tagger
from teachers.sources.base import TeacherSource
from teachers.sources.combine import Combination
from teachers.sources.config import CheckpointConfig, HuggingFaceConfig, SourceConfig, SourcesConfig, TaskScheme
from teachers.sources.huggingface import TokenClassificationSource
from teachers.sources.predictions import PredictionsSource
from teachers.sources.tagger import TaggerSource


def open_source(
    config: SourcesConfig,
    language: str,
    labels: LabelSet,
    scheme: TaskScheme | None,
    device: torch.device | str = "cpu",
) -> TeacherSource:
    """The teacher of a language: its one source as it is, or the combination of its sources.

    Raises:
        SourceError: no source serves the language, or one cannot be used.
        CheckpointError: a tagger's folder cannot be read.
    """
    serving = config.serving(language)
    sources = [_open(source, language, labels, scheme, device) for source in serving]
    if len(sources) == 1:
        return sources[0]
    return Combination(sources, config.combine, [source.weight for source in serving])


def _open(
    config: SourceConfig, language: str, labels: LabelSet, scheme: TaskScheme | None, device: torch.device | str
) -> TeacherSource:
    if isinstance(config, CheckpointConfig):
        folder = Path(config.folder.format(language=language))
        return TaggerSource(load_tagger(folder).to(device), labels, str(folder))
    if isinstance(config, HuggingFaceConfig):
        model = config.model.format(language=language)
        return TokenClassificationSource(config.model_copy(update={"model": model}), labels, scheme, device)
    return PredictionsSource(config, labels, scheme)
