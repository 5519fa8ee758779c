"""Scores in percent: span F1 by seqeval's strict mode, and accuracy."""

from collections.abc import Sequence

from seqeval.metrics import f1_score
from seqeval.scheme import IOB2, IOBES

from tagger.config import Metric

_SCHEMES = {"IOB2": IOB2, "BIOES": IOBES}


def score(
    metric: Metric,
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    *,
    scheme: str | None = None,
) -> float:
    """Micro-averaged F1 of exact spans (`spans`, which needs a scheme), or accuracy over words; 0 to 100.

    seqeval's default mode forgives invalid sequences, so the strict one is used always.
    """
    if [len(labels) for labels in gold] != [len(labels) for labels in predicted]:
        raise ValueError("score: gold and predicted labels differ in their numbers of sentences or words")
    if metric == "accuracy":
        pairs = [g == p for gs, ps in zip(gold, predicted, strict=True) for g, p in zip(gs, ps, strict=True)]
        return 100 * sum(pairs) / max(1, len(pairs))
    if scheme not in _SCHEMES:
        raise ValueError(f"score: span F1 needs a scheme out of {', '.join(_SCHEMES)}, got {scheme!r}")
    rows = [list(labels) for labels in gold], [list(labels) for labels in predicted]
    return 100 * float(f1_score(*rows, mode="strict", scheme=_SCHEMES[scheme], zero_division=0))
