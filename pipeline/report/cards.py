"""Sentences for a report's browser, with the teachers' answers and the students' labels."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from structkd.artifacts.inspection import SentenceView, sentence_view
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.stores.places import Place
from structkd.pipeline.plan.pieces import Plan, annotated
from structkd.pipeline.report.page.sentences import SentenceCard
from structkd.tagger.checkpoint import load_tagger
from structkd.tagger.features import FeatureSet
from structkd.tagger.prediction import PlacedBatch, best_labels, token_batches

PATHS = 5  # shown of each sentence


def sentence_cards(plan: Plan, students: Mapping[str, Path], *, sentences: int, seed: int = 0) -> list[SentenceCard]:
    """Draw held-out sentences of each language with gold labels by `seed`; empty if the teachers' sets are gone.

    Args:
        students: folders of finished students by name.
        sentences: largest number of sentences per language.

    Raises:
        ArtifactError: a damaged set.
        CheckpointError: a damaged student.
    """
    found = [view for teacher in plan.answering for view in _views(teacher.held_out, sentences, seed)]
    if not found:
        return []
    features = [FeatureSet.open(feature.path) for feature in plan.features if feature.done]
    batches = token_batches([view.tokens for view in found])
    torch.set_num_threads(1)  # as the students were trained, so that scores do not differ in their last bits
    predictions = {name: _predictions(folder, features, batches) for name, folder in students.items()}
    return [
        _card(view, {name: labels[place] for name, labels in predictions.items()}) for place, view in enumerate(found)
    ]


def _views(folder: Place | None, sentences: int, seed: int) -> Iterator[SentenceView]:
    if folder is None or not annotated(folder):
        return
    artifacts = ArtifactSet.open(folder)
    labelled = np.flatnonzero(artifacts.table(["gold"])["gold"].is_valid().to_numpy())
    drawn = np.random.default_rng(seed).permutation(labelled)[:sentences]
    for place in sorted(drawn.tolist()):
        yield sentence_view(artifacts, place)


def _predictions(folder: Path, features: Sequence[FeatureSet], batches: Sequence[PlacedBatch]) -> list[tuple[str, ...]]:
    """Return a student's labels. The sentences are few, so missing features are computed."""
    student = load_tagger(folder)
    student.attach(features)
    return best_labels(student, batches)


def _card(view: SentenceView, predictions: dict[str, tuple[str, ...]]) -> SentenceCard:
    return SentenceCard(
        name=f"{view.language} {view.sentence_id}",
        language=view.language,
        tokens=view.tokens,
        gold=view.gold,
        labels=view.labels,
        paths=view.paths[:PATHS],
        posteriors=tuple(tuple(row) for row in view.posteriors.tolist()),
        predictions=predictions,
        seen=view.seen,
    )
