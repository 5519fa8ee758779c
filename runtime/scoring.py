"""The scores of an exported graph, by onnxruntime."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .chain import Chain
from .inputs import INDEX, LENGTHS, Input, WordBatch
from .spans import Scheme
from .subwords import SubwordWindows
from .windows import groups_alike

_ALIKE = 1.15  # of `groups_alike`: a pass of few sentences costs little beside padding


@dataclass(frozen=True)
class OnnxScorer:
    """See `tagging.Scorer`.

    `session` is an onnxruntime session, see `open_session`; `inputs` say what its graph reads of a batch.
    """

    session: Any
    inputs: Sequence[Input]
    labels: tuple[str, ...]
    scheme: Scheme | None
    chain: Chain

    @cached_property
    def _names(self) -> list[str]:
        return [given.name for given in self.session.get_inputs()]

    def emissions(self, sentences: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """See `Scorer`. Raises ValueError for an empty word."""
        batch = WordBatch.of(sentences)
        groups = list(self._groups(batch))
        if len(groups) == 1:
            return self._scores(batch)
        found = np.zeros((*batch.index.shape, len(self.labels)), np.float32)
        for rows in groups:
            scores = self._scores(WordBatch.of([sentences[row] for row in rows]))
            found[rows, : scores.shape[1]] = scores
        return found

    def _groups(self, batch: WordBatch) -> Iterator[NDArray[np.int64]]:
        """Group sentences by the number of their subwords, so that little is padded."""
        B = len(batch.lengths)
        sizes = [one.sizes(batch) for one in self.inputs if isinstance(one, SubwordWindows) and B > 1]
        return groups_alike(np.max(sizes, axis=0), _ALIKE) if sizes else iter([np.arange(B)])

    def _scores(self, batch: WordBatch) -> NDArray[np.float32]:
        feed = {INDEX: batch.index, LENGTHS: batch.lengths}
        for one in self.inputs:
            feed |= one(batch)
        (found,) = self.session.run(None, {name: feed[name] for name in self._names})
        scores: NDArray[np.float32] = found
        return scores


def quiet_onnxruntime() -> Any:
    """Import onnxruntime, which reports its use to its makers unless it is told not to. Raises ImportError."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError:
        raise ImportError(
            "an exported tagger needs the package onnxruntime; install it with: pip install onnxruntime"
        ) from None
    return onnxruntime


def open_session(model: bytes, threads: int = 1) -> Any:
    """Return an onnxruntime session of a graph, on the CPU.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: not a graph that onnxruntime can read.
    """
    onnxruntime = quiet_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors alone
    try:
        # Layer normalisation fused with the sum before it takes five times as long.
        return onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
        )
    except Exception as error:  # its kinds of error have no common base
        raise ValueError(f"onnxruntime {onnxruntime.__version__} cannot read it: {str(error)[:300]}") from error
