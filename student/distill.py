"""Stage two: one multilingual student from artifact sets, with no teacher in memory."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import pyarrow.compute as pc
import torch
from torch import Tensor

from artifacts.reader import ArtifactSet
from artifacts.stream import Share, StreamConfig, stream_epoch
from corpora.labels import LabelSet
from student.batches import StudentBatch, student_batch
from student.config import DistillConfig, SystemName
from student.objectives import SYSTEMS, annealed, distillation_loss
from tagger.config import TaggerConfig, TrainingConfig
from tagger.evaluation import EvaluationSet
from tagger.model import Tagger
from tagger.ranks import ALONE, Ranks
from tagger.resume import Resume
from tagger.training import Log, TrainingResult, train
from tagger.vocabulary import Vocabulary


def distill(
    sets: Sequence[ArtifactSet],
    dev: Mapping[str, EvaluationSet],
    *,
    system: SystemName,
    tagger: TaggerConfig,
    training: TrainingConfig,
    config: DistillConfig,
    seed: int,
    log: Log,
    device: torch.device | str = "cpu",
    resume: Resume | None = None,
    ranks: Ranks = ALONE,
) -> tuple[Tagger, TrainingResult]:
    """Train a student with one of `SYSTEMS`.

    The best dev score, a mean over languages, decides which weights are kept. The baseline reads labelled rows only.
    With `resume`, it goes on from what a killed training saved. Several `ranks` take each its share of every batch,
    and end with the same student.

    Raises:
        ArtifactError: sets that are damaged, or disagree on their labels.
    """
    torch.manual_seed(seed)
    objective, place = SYSTEMS[system], torch.device(device)
    stream = StreamConfig(
        batch_tokens=training.batch_tokens,
        sampling_exponent=config.sampling_exponent,
        seed=seed,
        labelled_only=objective.loss is None,
    )
    share = Share(ranks.rank, ranks.world)
    headers = [artifact_set.header for artifact_set in sets]
    columns = ("tokens", "gold", *objective.columns)

    def batches(epoch: int, start: int) -> Iterator[StudentBatch]:
        for rows in stream_epoch(sets, columns, stream, epoch, start=start, share=share):
            yield student_batch(rows, headers, k=config.k, chains=system == "exact", device=place)

    def loss(student: Tagger, batch: StudentBatch, done: float) -> Tensor:
        weight = annealed(config.lambda_first, config.lambda_last, done)
        chain = student(batch.tokens)
        return distillation_loss(objective, chain, batch.signals, temperature=config.temperature, weight=weight)

    def score_dev(student: Tagger) -> float:
        return fmean(corpus.score(student) for corpus in dev.values())

    vocabulary = _vocabulary(sets, labelled_only=stream.labelled_only, min_count=tagger.min_count)
    student = Tagger(tagger, vocabulary, LabelSet(headers[0].labels)).to(place)
    return student, train(student, batches, loss, score_dev, training, log, resume=resume, ranks=ranks)


def _vocabulary(sets: Sequence[ArtifactSet], *, labelled_only: bool, min_count: int) -> Vocabulary:
    """Of the words that the student will see."""
    counts: Counter[str] = Counter()
    for artifact_set in sets:
        for rows in artifact_set.row_groups(("tokens", "gold")):
            seen = rows.filter(rows.column("gold").is_valid()) if labelled_only else rows
            for entry in pc.value_counts(seen.column("tokens").combine_chunks().flatten()).to_pylist():
                counts[entry["values"]] += entry["counts"]
    return Vocabulary.build(counts, min_count=min_count)
