"""A teacher's confidence and accuracy, on sentences that it was trained on and on others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64

from structkd.artifacts.posteriors import log_distribution
from structkd.artifacts.reader import ArtifactSet
from structkd.artifacts.rows import DecodedRows

BINS = 15
ENTROPIES = (0.01, 0.1, 0.5, 1.0)
"""The borders of five bins of words by the entropy of their posteriors, in nats."""
COLUMNS = ["tokens", "gold", "log_posteriors", "seen", "teacher"]


Found = TypeVar("Found", bound="Confidence")


@dataclass(frozen=True, eq=False)
class Confidence:
    """Words in 15 bins by the probability of their likeliest label: bin i, from 0 on, has those above i / 15.

    The values for two groups of words add up to the values for both groups together.
    """

    bin_words: Int64[np.ndarray, "15"]
    bin_confidence: Float64[np.ndarray, "15"]
    """Sums of these labels' probabilities."""
    bin_entropy: Int64[np.ndarray, "5"]
    """Words in the bins between `ENTROPIES`: bin i, from 1 on, has those from `ENTROPIES[i - 1]` on."""
    entropy_sum: float

    def __add__(self: Found, other: Found) -> Found:
        return type(self)(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def words(self) -> int:
        """The number of words; at least one."""
        return int(self.bin_words.sum())

    @property
    def entropy(self) -> float:
        """Mean entropy of the posteriors, in nats."""
        return self.entropy_sum / self.words


@dataclass(frozen=True, eq=False)
class Calibration(Confidence):
    """Confidence and accuracy on labelled words (Naeini et al., AAAI 2015; Guo et al., ICML 2017)."""

    bin_right: Int64[np.ndarray, "15"]
    """Words whose likeliest label is gold."""
    nll_sum: float

    @property
    def accuracy(self) -> float:
        """Share of words whose likeliest label is gold."""
        return float(self.bin_right.sum()) / self.words

    @property
    def nll(self) -> float:
        """Mean negative log-posterior of the gold label, in nats."""
        return self.nll_sum / self.words

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean over words of |accuracy - mean confidence| of their bin."""
        return float(np.abs(self.bin_right - self.bin_confidence).sum()) / self.words


Key = tuple[str, bool | None]
"""A teacher's name, and `seen`: True if it was trained on the sentence."""


def calibrations(sets: Iterable[ArtifactSet]) -> dict[Key, Calibration]:
    """Return the calibration of each teacher on labelled words, by `seen`: True if it was trained on the sentence.

    Reads one row group at a time, and only its labelled rows. Raises ArtifactError if a set is damaged.
    """
    return _collected(sets, True, _calibration)


def confidences(sets: Iterable[ArtifactSet]) -> dict[Key, Confidence]:
    """Return each teacher's confidence in words without labels; otherwise as `calibrations`."""
    return _collected(sets, False, lambda rows: _confidence(_logs(DecodedRows(rows))))


def _collected(sets: Iterable[ArtifactSet], labelled: bool, measure: Callable[[pa.Table], Found]) -> dict[Key, Found]:
    found: dict[Key, Found] = {}
    for rows in (rows for artifacts in sets for rows in _rows(artifacts, labelled)):
        for key, places in _groups(rows).items():
            added = measure(rows.take(places))
            found[key] = found[key] + added if key in found else added
    return found


def _rows(artifacts: ArtifactSet, labelled: bool) -> Iterator[pa.Table]:
    for shard, group in artifacts.places():
        counts = artifacts.manifest.shards[shard].row_groups[group].languages.values()
        if any(count.labelled if labelled else count.unlabelled for count in counts):
            rows = artifacts.read_row_group(shard, group, COLUMNS)
            yield rows.filter(rows["gold"].is_valid() if labelled else rows["gold"].is_null())


def _groups(rows: pa.Table) -> dict[Key, list[int]]:
    groups = defaultdict(list)
    for place, key in enumerate(zip(rows["teacher"].to_pylist(), rows["seen"].to_pylist(), strict=True)):
        groups[key].append(place)
    return groups


def _calibration(rows: pa.Table) -> Calibration:
    values = DecodedRows(rows)
    gold, logs = values.gold[values.mask], _logs(values)
    return Calibration(
        **vars(_confidence(logs)),
        bin_right=np.bincount(_bins(logs)[logs.argmax(axis=1) == gold], minlength=BINS),
        nll_sum=float(-logs[np.arange(len(gold)), gold].sum()),
    )


def _confidence(logs: Float64[np.ndarray, "W L"]) -> Confidence:
    bins, probabilities = _bins(logs), np.exp(logs)
    entropies = -(probabilities * logs).sum(axis=1)
    return Confidence(
        bin_words=np.bincount(bins, minlength=BINS),
        bin_confidence=np.bincount(bins, probabilities.max(axis=1), minlength=BINS),
        bin_entropy=np.bincount(np.digitize(entropies, ENTROPIES), minlength=len(ENTROPIES) + 1),
        entropy_sum=float(entropies.sum()),
    )


def _bins(logs: Float64[np.ndarray, "W L"]) -> Int64[np.ndarray, "W"]:
    bins: np.ndarray = np.ceil(np.exp(logs.max(axis=1)) * BINS).astype(np.int64) - 1
    return bins.clip(0, BINS - 1)


def _logs(values: DecodedRows) -> Float64[np.ndarray, "W L"]:
    """Return the log-posteriors of all words."""
    return log_distribution(values.log_posteriors[values.mask])
