"""How sure a teacher is, and how often it is right: on what it was trained on, and on what it was not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64

from artifacts.codec import decode
from artifacts.posteriors import log_distribution
from artifacts.ragged import length_mask
from artifacts.reader import ArtifactSet

BINS = 15
COLUMNS = ["tokens", "gold", "log_posteriors", "seen", "teacher"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Labelled words in 15 bins by the probability of their likeliest label: bin i, from 0 on, has those above i / 15.

    Naeini et al., AAAI 2015; Guo et al., ICML 2017 (arXiv 1706.04599). Calibrations add up, as their words do.
    """

    bin_words: Int64[np.ndarray, "15"]
    bin_right: Int64[np.ndarray, "15"]
    """Words of which the likeliest label is gold."""
    bin_confidence: Float64[np.ndarray, "15"]
    """Sums of these labels' probabilities."""
    entropy_sum: float
    nll_sum: float

    def __add__(self, other: "Calibration") -> "Calibration":
        return Calibration(
            self.bin_words + other.bin_words,
            self.bin_right + other.bin_right,
            self.bin_confidence + other.bin_confidence,
            self.entropy_sum + other.entropy_sum,
            self.nll_sum + other.nll_sum,
        )

    @property
    def words(self) -> int:
        """How many there are; at least one."""
        return int(self.bin_words.sum())

    @property
    def accuracy(self) -> float:
        """Share of words of which the likeliest label is gold."""
        return float(self.bin_right.sum()) / self.words

    @property
    def entropy(self) -> float:
        """Mean entropy of the posteriors, in nats."""
        return self.entropy_sum / self.words

    @property
    def nll(self) -> float:
        """Mean negative log-posterior of the gold label, in nats."""
        return self.nll_sum / self.words

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean over words of how far their bin's accuracy is from its mean confidence."""
        return float(np.abs(self.bin_right - self.bin_confidence).sum()) / self.words


def calibrations(sets: Iterable[ArtifactSet]) -> dict[tuple[str, bool | None], Calibration]:
    """The calibration on labelled words of each teacher, by `seen`: whether it was trained on the sentence.

    Reads a row group at a time, and of these only what has labels. Raises ArtifactError where a set is damaged.
    """
    found: dict[tuple[str, bool | None], Calibration] = {}
    for rows in (rows for artifacts in sets for rows in _labelled(artifacts)):
        for key, places in _groups(rows).items():
            added = _calibration(rows.take(places))
            found[key] = found[key] + added if key in found else added
    return found


def _labelled(artifacts: ArtifactSet) -> Iterator[pa.Table]:
    for shard, group in artifacts.places():
        counts = artifacts.manifest.shards[shard].row_groups[group].languages.values()
        if any(count.labelled for count in counts):
            rows = artifacts.read_row_group(shard, group, COLUMNS)
            yield rows.filter(rows["gold"].is_valid())


def _groups(rows: pa.Table) -> dict[tuple[str, bool | None], list[int]]:
    groups = defaultdict(list)
    for place, key in enumerate(zip(rows["teacher"].to_pylist(), rows["seen"].to_pylist(), strict=True)):
        groups[key].append(place)
    return groups


def _calibration(rows: pa.Table) -> Calibration:
    values = decode(rows)
    assert values.gold is not None
    assert values.log_posteriors is not None
    inside = length_mask(values.lengths, values.gold.shape[1])
    gold, logs = values.gold[inside], log_distribution(values.log_posteriors[inside])
    likeliest, probabilities = logs.argmax(axis=1), np.exp(logs)
    confidence = probabilities.max(axis=1)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return Calibration(
        bin_words=np.bincount(bins, minlength=BINS),
        bin_right=np.bincount(bins[likeliest == gold], minlength=BINS),
        bin_confidence=np.bincount(bins, confidence, minlength=BINS),
        entropy_sum=float(-(probabilities * logs).sum()),
        nll_sum=float(-logs[np.arange(len(gold)), gold].sum()),
    )
