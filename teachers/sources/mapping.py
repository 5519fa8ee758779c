"""The mapping of a teacher's labels to the task's, by name."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from structkd.corpora.labels import LabelSet
from structkd.teachers.sources.base import Passage, listed, log_floored
from structkd.teachers.sources.config import LabelConfig, SourceError, TaskScheme
from structkd.teachers.sources.schemes import SpanLabels, names_in


class LabelMapping:
    """A mapping of distributions over a teacher's labels to distributions over the task's.

    For spans (`scheme` is the task's), `teachers.sources.schemes` converts labels between schemes, then types are
    renamed; two types may get the same name and become one. For tags (`scheme` is None), tags are renamed. If the sets
    then differ, `config.unmapped` decides:

    - error: SourceError; except that labels of a type that the task has (such as I-X if no span of its training corpora
    has three words) are renormalised.
    - renormalise: mass on labels that the task lacks is dropped, and the rest divided by its sum.
    - outside: it goes to O (spans only).

    With both of the latter, a label of the task that the teacher never gives has the log-probability `LOG_ZERO`.

    Args:
        names: the teacher's labels, in its order.
        labels: the task's labels.
        scheme: scheme of the task's labels; None for tags.
        config: settings of the mapping.
        teacher: the teacher's name in errors.

    Raises:
        SourceError: labels unknown to the teacher's scheme, renamed types that it does not have, or sets that differ if
        `unmapped` is error; the message shows both sets.
    """

    def __init__(
        self, names: Sequence[str], labels: LabelSet, scheme: TaskScheme | None, config: LabelConfig, teacher: str
    ) -> None:
        self.names, self.labels, self._teacher, self._unmapped = tuple(names), labels, teacher, config.unmapped
        if len(set(names)) < len(names):
            raise SourceError(f"{teacher}: names a label twice: {listed(names)}; set `labels` to its names in order")
        self._scheme = scheme
        try:
            self._spans = SpanLabels.read(names, config.scheme) if scheme else None
        except SourceError as error:
            raise SourceError(f"{teacher}: {error}") from None
        # The types of spans, or the tags.
        self._kinds = tuple(dict.fromkeys(filter(None, self._spans.types if self._spans else names)))
        renamed = self._renamed(config.rename)
        self._given = tuple(dict.fromkeys(renamed))
        self._merge = np.array([[name == given for given in self._given] for name in renamed], np.float64)
        self._kept = np.array([name in labels.ids for name in self._given])
        self._ids = np.array([labels.ids[name] for name in self._given if name in labels.ids], np.int64)
        self._check()

    def __call__(self, probabilities: Float64[np.ndarray, "N M"], passage: Passage) -> Float64[np.ndarray, "N L"]:
        """Return log-probabilities of the task's labels, at least `LOG_ZERO`; rows are the passage's words.

        Raises SourceError if a word has no mass to renormalise.
        """
        found = self._converted(probabilities, passage.lengths)
        mapped = np.zeros((len(found), len(self.labels)))
        mapped[:, self._ids] = found[:, self._kept]
        if self._unmapped == "outside":
            mapped[:, self.labels.ids["O"]] += found[:, ~self._kept].sum(1)
        total = mapped.sum(1, keepdims=True)
        for word in np.flatnonzero(total == 0)[:1]:
            raise SourceError(
                f"{self._teacher}: {passage.where(int(word))}: all probability is on labels that the task lacks "
                f"({listed(self._lacking)}); rename them, or set unmapped to 'outside'"
            )
        return log_floored(mapped / total)

    def _converted(
        self, probabilities: Float64[np.ndarray, "N M"], lengths: Int64[np.ndarray, "B"]
    ) -> Float64[np.ndarray, "N G"]:
        """Return distributions over `_given`, the renamed labels in the task's scheme."""
        if self._spans and self._scheme:
            probabilities = self._spans.convert(probabilities, lengths, self._scheme, self._kinds)
        merged: Float64[np.ndarray, "N G"] = probabilities @ self._merge
        return merged

    def _renamed(self, rename: dict[str, str]) -> tuple[str, ...]:
        """Return the labels in the task's scheme, with their names there."""
        unknown = [kind for kind in rename if kind not in self._kinds]
        if unknown:
            raise SourceError(
                f"{self._teacher}: `rename` has {listed(unknown)}, but the teacher's "
                f"{'types' if self._scheme else 'tags'} are {listed(self._kinds)}"
            )
        kinds = tuple(rename.get(kind, kind) for kind in self._kinds)
        return names_in(self._scheme, kinds) if self._scheme else kinds

    @property
    def _lacking(self) -> list[str]:
        return [name for name, kept in zip(self._given, self._kept, strict=True) if not kept]

    def _check(self) -> None:
        if self._unmapped == "outside" and not (self._scheme and "O" in self.labels.ids):
            raise SourceError(
                f"{self._teacher}: unmapped is 'outside', which is for spans and a task with O; this one has "
                f"{'spans' if self._scheme else 'tags'}: {listed(self.labels.names)}; set it to 'error' or "
                "'renormalise'"
            )
        # What it can give at all is what it gives if every label is as probable, in the middle and at the ends.
        M = len(self.names)
        possible = self._converted(np.full((4, M), 1 / M), np.array([3, 1])).sum(0) > 0
        given = [name for name, can in zip(self._given, possible, strict=True) if can]
        kinds = {_kind(name) for name in self.labels.names} if self._scheme else set()
        lost = [name for name in given if name not in self.labels.ids and _kind(name) not in kinds]
        missing = [name for name in self.labels.names if name not in given]
        both = f"teacher: {listed(self.names)}; task: {listed(self.labels.names)} (of its training corpora)"
        if not {*given} & {*self.labels.names}:
            raise SourceError(f"{self._teacher}: gives none of the task's labels; {both}; `rename` what differs")
        if self._unmapped == "error" and (lost or missing):
            differs = [f"gives {listed(lost)} that the task lacks"] if lost else []
            differs += [f"never gives {listed(missing)} of the task"] if missing else []
            raise SourceError(
                f"{self._teacher}: {', and '.join(differs)}; {both}; `rename` what differs, or set `unmapped` to "
                "'renormalise' or 'outside'"
            )


def _kind(label: str) -> str:
    """Return the type of a span's label; "" for O."""
    return label.partition("-")[2]
