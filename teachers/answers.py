"""A teacher's forward passes over a row group, and the rows of a shard that they become."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from structkd.artifacts.annotations import Annotations
from structkd.artifacts.codec import encode
from structkd.corpora.labels import LabelSet
from structkd.crf import LinearChain
from structkd.teachers import paths
from structkd.teachers.config import AnnotationConfig
from structkd.teachers.hidden import HiddenSource
from structkd.teachers.sources.base import Passage, TeacherSource


@dataclass(frozen=True)
class ForwardPass:
    """A teacher's chain over some sentences of a row group, of similar length, at `places` of the group."""

    places: Int64[np.ndarray, "B"]
    sentence_ids: Sequence[int]
    seen: Sequence[bool | None]
    passage: Passage
    chain: LinearChain
    hidden: Float[Tensor, "B T D"] | None


@torch.inference_mode()
def chain_and_hidden(teacher: TeacherSource, passage: Passage) -> tuple[LinearChain, Float[Tensor, "B T D"] | None]:
    """Return a teacher's chain, and its hidden states if its sets contain them."""
    return teacher.chain_and_hidden(passage) if isinstance(teacher, HiddenSource) else (teacher.chain(passage), None)


def encoded(
    passes: Sequence[ForwardPass], *, schema: pa.Schema, labels: LabelSet, teacher: str, config: AnnotationConfig
) -> pa.RecordBatch:
    """Return the rows of a row group in their order, from the passes over all of its sentences."""
    batches = [
        encode(
            schema,
            sentence_ids=one.sentence_ids,
            language=one.passage.corpus.language,
            teacher=teacher,
            seen=one.seen,
            tokens=[list(sentence.tokens) for sentence in one.passage.sentences],
            gold=[None if s.labels is None else labels.encode(s.labels) for s in one.passage.sentences],
            annotations=_annotations(one, config),
        )
        for one in passes
    ]
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    restored = table.take(pa.array(np.argsort(np.concatenate([one.places for one in passes]))))
    return restored.combine_chunks().to_batches()[0]


@torch.inference_mode()
def _annotations(one: ForwardPass, config: AnnotationConfig) -> Annotations:
    chain = one.chain
    log_posteriors = chain.log_marginals
    if config.paths == "best":
        found = paths.best(chain, config.k)
    else:
        found = paths.sampled(chain, config.k, np.array(one.sentence_ids))
    return Annotations(
        lengths=one.passage.lengths,
        paths=found.labels.cpu().numpy(),
        counts=found.counts.cpu().numpy(),
        log_probs=found.log_probs.cpu().numpy(),
        log_posteriors=log_posteriors.cpu().numpy(),
        emissions=chain.emissions.cpu().numpy(),
        log_partition=chain.log_partition.cpu().numpy(),
        weights=None if found.weights is None else found.weights.cpu().numpy(),
        hidden=None if one.hidden is None else one.hidden.cpu().numpy(),
    )
