"""Conversion of distributions over one scheme's labels to distributions over another's.

A word's label in another scheme depends on its neighbours: B-X of IOB2 is S-X in BIOES unless I-X follows. A softmax
teacher gives no joint distribution of words, so words are taken as independent. Then the conversion is exact. With b
and e the probabilities that a span of type X begins, and ends, at a word with label l of that type,

    p(S-X) += p(l) b e    p(B-X) += p(l) b (1 - e)    p(E-X) += p(l) (1 - b) e    p(I-X) += p(l) (1 - b) (1 - e)

in BIOES, and p(B-X) += p(l) b, p(I-X) += p(l) (1 - b) in IOB2, where

- b is 1 for B and S. For I and E it is 0 in IOB2 and BIOES, where such a label never begins a span; in IO and IOB1 it
is one minus the probability that the word before has type X, and 1 at the start of a sentence.
- e is 1 for E and S and 0 for B and I in BIOES. Elsewhere it is one minus the probability that the next word is I-X,
and 1 at the end of a sentence.

The mass of O and of each type does not change. If every distribution is certain and its labels are valid, the result is
that of `corpora.schemes.convert`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from structkd.teachers.sources.base import listed
from structkd.teachers.sources.config import ModelScheme, SourceError, TaskScheme

PREFIXES: dict[ModelScheme, str] = {"IO": "I", "IOB1": "BI", "IOB2": "BI", "BIOES": "BIES"}


@dataclass(frozen=True)
class SpanLabels:
    """A teacher's labels in its scheme: their prefixes and types, both "" for O.

    In IO a type can be without I-.
    """

    scheme: ModelScheme
    prefixes: tuple[str, ...]
    types: tuple[str, ...]

    @classmethod
    def read(cls, names: Sequence[str], scheme: ModelScheme) -> "SpanLabels":
        """Read labels. Raises SourceError, naming all labels that the scheme does not know."""
        parts = [_part(name, scheme) for name in names]
        strange = [name for name, part in zip(names, parts, strict=True) if part is None]
        if strange:
            known = [f"{prefix}-TYPE" for prefix in PREFIXES[scheme]] + ["TYPE"] * (scheme == "IO")
            raise SourceError(
                f"{scheme} knows O, {listed(known)}, but there is {listed(strange)}; "
                "set `scheme` to the teacher's, or `labels` to its names in order"
            )
        prefixes, types = zip(*(part for part in parts if part), strict=True)
        return cls(scheme, prefixes, types)

    @cached_property
    def _outside(self) -> Bool[np.ndarray, "M"]:
        return self._are("")

    @cached_property
    def _same_type(self) -> Float64[np.ndarray, "M M"]:
        types = np.array(self.types)
        same: Float64[np.ndarray, "M M"] = ((types[:, None] == types) & ~self._outside).astype(np.float64)
        return same

    def _are(self, *prefixes: str) -> Bool[np.ndarray, "M"]:
        return np.isin(self.prefixes, prefixes)

    def convert(
        self,
        probabilities: Float64[np.ndarray, "N M"],
        lengths: Int64[np.ndarray, "B"],
        target: TaskScheme,
        types: Sequence[str],
    ) -> Float64[np.ndarray, "N F"]:
        """Return distributions over `names_in(target, types)`.

        `probabilities` are those of the words of all sentences, one sentence after the other. All `types` are types of
        the teacher.
        """
        firsts = np.zeros(len(probabilities), bool)
        firsts[np.cumsum(lengths) - lengths] = True
        begins, inside = self._begins(probabilities, firsts)
        ends, goes_on = self._ends(probabilities, np.roll(firsts, -1))
        masses = {"B": begins, "I": inside}
        if target == "BIOES":
            masses = {"B": begins * goes_on, "I": inside * goes_on, "E": inside * ends, "S": begins * ends}
        of_type = (np.array(self.types)[:, None] == np.array(types)) & ~self._outside[:, None]
        spans = np.stack([probabilities * masses[prefix] for prefix in PREFIXES[target]]) @ of_type.astype(np.float64)
        outside = probabilities[:, self._outside].sum(1, keepdims=True)
        return np.concatenate([outside, spans.transpose(1, 2, 0).reshape(len(outside), -1)], 1)

    def _begins(
        self, probabilities: Float64[np.ndarray, "N M"], firsts: Bool[np.ndarray, "N"]
    ) -> tuple[Float64[np.ndarray, "N M"], Float64[np.ndarray, "N M"]]:
        """Return the probabilities that a span begins at this label, and that it does not; sums keep more digits."""
        begins = np.broadcast_to(self._are("B", "S").astype(np.float64), probabilities.shape)
        if self.scheme in ("IOB2", "BIOES"):
            return begins, 1 - begins
        before = np.where(firsts[:, None], 0.0, np.roll(probabilities, 1, 0))
        depends = self._are("I")
        alone = before @ (1 - self._same_type) + firsts[:, None]
        return np.where(depends, alone, begins), np.where(depends, before @ self._same_type, 1 - begins)

    def _ends(
        self, probabilities: Float64[np.ndarray, "N M"], lasts: Bool[np.ndarray, "N"]
    ) -> tuple[Float64[np.ndarray, "N M"], Float64[np.ndarray, "N M"]]:
        """Return the probabilities that a span ends at a word with this label, and that it does not."""
        if self.scheme == "BIOES":
            ends = np.broadcast_to(self._are("E", "S").astype(np.float64), probabilities.shape)
            return ends, 1 - ends
        after = np.where(lasts[:, None], 0.0, np.roll(probabilities, -1, 0))
        continues = self._same_type * self._are("I")[:, None]
        return after @ (1 - continues) + lasts[:, None], after @ continues


def names_in(scheme: TaskScheme, types: Sequence[str]) -> tuple[str, ...]:
    """Return O, and each type's labels in a scheme."""
    return ("O", *(f"{prefix}-{kind}" for kind in types for prefix in PREFIXES[scheme]))


def _part(name: str, scheme: ModelScheme) -> tuple[str, str] | None:
    """Return prefix and type of a label, or None if the scheme does not know it."""
    if name == "O":
        return "", ""
    prefix, _, kind = name.partition("-")
    if kind and prefix in tuple(PREFIXES[scheme]):
        return prefix, kind
    alone = scheme == "IO" and name and not (kind and prefix in ("B", "E", "S"))
    return ("I", name) if alone else None
