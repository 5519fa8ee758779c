"""Stage two: one multilingual student from artifact sets, with no teacher in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from statistics import fmean

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.stream import Share, StreamConfig, stream_epoch
from structkd.corpora.labels import LabelSet
from structkd.ground.records import Log
from structkd.student.batches import StudentBatch, student_batch
from structkd.student.config import DistillConfig, SystemName
from structkd.student.hidden import hidden_loss, projections
from structkd.student.objectives import System, annealed, as_system, distillation_loss
from structkd.student.signals import ShardSignals, SignalSource
from structkd.tagger.config import TaggerConfig, TrainingConfig
from structkd.tagger.evaluation import EvaluationSet
from structkd.tagger.features import FeatureSet
from structkd.tagger.model import Tagger
from structkd.tagger.ranks import ALONE, Ranks
from structkd.tagger.resume import Resume
from structkd.tagger.training import TrainingResult, log_vectors, train
from structkd.tagger.vocabulary import Vocabulary

COUNTED = 64  # row groups whose words are counted at a time


def distill(
    sets: Sequence[ArtifactSet],
    dev: Mapping[str, EvaluationSet],
    *,
    system: SystemName | System,
    tagger: TaggerConfig,
    training: TrainingConfig,
    config: DistillConfig,
    seed: int,
    log: Log,
    device: torch.device | str = "cpu",
    resume: Resume | None = None,
    ranks: Ranks = ALONE,
    features: Sequence[FeatureSet] = (),
    signals: SignalSource | None = None,
) -> tuple[Tagger, TrainingResult]:
    """Train a student with one of `SYSTEMS`, by name, or with a system of your own.

    The best dev score, a mean over languages, decides which weights are kept. The baseline reads labelled rows only.
    The first `config.hidden_updates` of the others learn the teachers' hidden states, and are not scored on dev.
    With `resume`, a killed training continues from its saved state. Each of several `ranks` takes its share of every
    batch; all end with the same student. Frozen encoders read stored `features`. Teachers' signals come from the sets,
    unless `signals` is another source.

    Raises:
        ArtifactError: sets that are damaged, disagree on their labels, or lack hidden states.
    """
    torch.manual_seed(seed)
    objective, place = as_system(system), torch.device(device)
    stream = StreamConfig(
        batch_tokens=training.batch_tokens,
        sampling_exponent=config.sampling_exponent,
        seed=seed,
        labelled_only=objective.loss is None,
    )
    share = Share(ranks.rank, ranks.world)
    headers = [artifact_set.header for artifact_set in sets]
    source = signals or ShardSignals(objective, headers, config.k, place)
    stage = config.hidden_updates if objective.loss else 0
    columns = ("tokens", "gold", *source.columns, *(["hidden"] if stage else []))

    def batches(epoch: int, start: int) -> Iterator[StudentBatch]:
        for rows in stream_epoch(sets, columns, stream, epoch, start=start, share=share):
            yield student_batch(rows, source, place if stage else None)

    def loss(student: Tagger, batch: StudentBatch, done: float) -> Tensor:
        update = round(done * training.updates) - stage
        if update < 0:
            return hidden_loss(student, batch.tokens, batch.hidden)
        weight = annealed(config.lambda_first, config.lambda_last, update / (training.updates - stage))
        chain = student(batch.tokens)
        return distillation_loss(objective, chain, batch.signals, temperature=config.temperature, weight=weight)

    def score_dev(student: Tagger) -> float:
        return fmean(corpus.score(student) for corpus in dev.values())

    seen = _words(sets, labelled_only=stream.labelled_only)
    vocabulary = Vocabulary.build(seen, min_count=tagger.min_count)
    student = Tagger(tagger, vocabulary, LabelSet(headers[0].labels)).to(place)
    student.attach(features)
    log_vectors(student, list(seen), log)
    with projections(student, sets) if stage else nullcontext():
        result = train(student, batches, loss, score_dev, training, log, resume=resume, ranks=ranks, unscored=stage)
    return student, result


def _words(sets: Sequence[ArtifactSet], *, labelled_only: bool) -> dict[str, int]:
    """Return the number of times that the student will see each word."""
    pieces = (piece for artifact_set in sets for piece in _word_counts(artifact_set, labelled_only))
    words, counts = pa.array([], pa.string()), np.zeros(0, np.int64)
    while some := list(islice(pieces, COUNTED)):
        columns, numbers = zip((words, counts), *some, strict=True)
        coded = pa.chunked_array(columns).dictionary_encode().combine_chunks()
        words, counts = coded.dictionary, np.bincount(coded.indices, np.concatenate(numbers)).astype(np.int64)
    return {word: count for word, count in zip(words.to_pylist(), counts.tolist(), strict=True) if count}


def _word_counts(artifact_set: ArtifactSet, labelled_only: bool) -> Iterator[tuple[pa.StringArray, np.ndarray]]:
    """Yield the counts of words, one row group at a time. Parquet numbers its words, so only numbers are counted."""
    for rows in artifact_set.row_groups(("tokens", "gold") if labelled_only else ("tokens",), coded_words=True):
        seen = rows.filter(rows.column("gold").is_valid()) if labelled_only else rows
        words = seen.column("tokens").combine_chunks().flatten()
        yield words.dictionary, np.bincount(words.indices, minlength=len(words.dictionary))
