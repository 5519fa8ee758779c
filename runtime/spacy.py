"""A component for spaCy pipelines: `nlp.add_pipe("structkd", config={"model": "FOLDER"})`.

spaCy finds it by an entry point of the distribution `structkd-runtime`. Only this module needs spaCy.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from spacy.language import Language
from spacy.parts_of_speech import IDS as PARTS_OF_SPEECH  # type: ignore[import-not-found]  # it is in Cython
from spacy.tokens import Doc, Span, Token

from .folder import DIGESTS, load
from .splitting import Word
from .tagging import Entity, Tagged, TextTagger, Wanted

Annotation = Literal["ents", "pos", "tag"]
ANNOTATIONS: tuple[Annotation, ...] = ("ents", "pos", "tag")


class ComponentError(ValueError):
    """A component that cannot be made; the message names the setting, what was found and what to do."""


class Component:
    """Writes what a student says into spaCy's documents.

    Entities come with `span._.probability`, the probability of exactly this span over all label sequences; tags come
    with `token._.probability`, the label's marginal. Words are spaCy's tokens without white space. A document with
    sentence boundaries is labelled sentence by sentence, any other as one sentence.

    Args:
        model: the folder of an exported student.
        annotate: "ents" sets `doc.ents`, "pos" `token.pos_`, "tag" `token.tag_`; None takes what fits the labels.
        threshold: the lowest probability of an entity.
        overwrite: replaces what is in the document; otherwise it stays, and only what is free is set.

    Raises:
        ComponentError: the student's labels cannot be written so.
    """

    def __init__(
        self, model: str, annotate: Annotation | None = None, threshold: float = 0.0, overwrite: bool = False
    ) -> None:
        self.model, self.threshold, self.overwrite = model, threshold, overwrite
        self.tagger = load(Path(model))
        self.annotate = _annotation(self.tagger, annotate)
        for kind in (Span, Token):
            if not kind.has_extension("probability"):
                kind.set_extension("probability", default=None)

    @property
    def digest(self) -> str:
        """The digest of the student's files."""
        return str(json.loads((Path(self.model) / DIGESTS).read_bytes())["digest"])

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can set: types of entities, or tags."""
        labels = self.tagger.labels
        return tuple(sorted({label[2:] for label in labels if label != "O"})) if self.annotate == "ents" else labels

    def __call__(self, doc: Doc) -> Doc:
        """Return the document, labelled."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Yield the documents, labelled; `batch_size` of them at a time."""
        write = self._set_entities if self.annotate == "ents" else self._set_tags
        arriving = iter(stream)
        while docs := list(islice(arriving, batch_size)):
            sentences = [_sentences(doc) for doc in docs]
            found = iter(self._tagged([tokens for one in sentences for tokens in one]))
            for doc, one in zip(docs, sentences, strict=True):
                write(doc, [(tokens, next(found)) for tokens in one])
                yield doc

    def _tagged(self, sentences: Sequence[Sequence[Token]]) -> list[Tagged]:
        words = [[Word(token.text, token.idx, token.idx + len(token)) for token in tokens] for tokens in sentences]
        texts = [tokens[0].doc.text if tokens else "" for tokens in sentences]
        return self.tagger.tag_words(texts, words, Wanted(self.threshold))

    def _set_entities(self, doc: Doc, found: Iterable[tuple[Sequence[Token], Tagged]]) -> None:
        spans = [_span(doc, tokens, entity) for tokens, tagged in found for entity in tagged.entities]
        if self.overwrite:
            doc.set_ents(spans)
        else:
            free = [token.ent_iob_ != "B" and not token.ent_type for token in doc]  # a blocked token has B and no type
            blocked = [doc[token.i : token.i + 1] for token in doc if token.ent_iob_ == "B" and not token.ent_type]
            kept = [span for span in spans if all(free[span.start : span.end])]
            doc.set_ents([*doc.ents, *kept], blocked=blocked)

    def _set_tags(self, doc: Doc, found: Iterable[tuple[Sequence[Token], Tagged]]) -> None:
        name = f"{self.annotate}_"
        for tokens, tagged in found:
            for token, label, chance in zip(tokens, tagged.labels, tagged.probabilities, strict=True):
                if self.overwrite or not getattr(token, name):
                    setattr(token, name, label)
                    token._.probability = chance

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("model", "annotate", "threshold", "overwrite")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # another process opens the folder itself

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the student's digest; the pipeline's configuration has its path."""
        Path(path).write_text(json.dumps({"sha256": self.digest}), "utf-8")

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "Component":
        """Check that the folder holds the student of `to_disk`. Raises ComponentError if it holds another."""
        expected = json.loads(Path(path).read_text("utf-8"))["sha256"]
        if self.digest != expected:
            raise ComponentError(
                f"{self.model}: found a student with the digest {self.digest}, expected {expected}, with which the "
                "pipeline was saved; restore the folder, or add the component anew"
            )
        return self


def _sentences(doc: Doc) -> list[list[Token]]:
    """The tokens of each sentence without white space; the whole document if its sentences are not known."""
    units = doc.sents if doc.has_annotation("SENT_START") else [doc]
    return [[token for token in unit if not token.is_space] for unit in units]


def _span(doc: Doc, tokens: Sequence[Token], entity: Entity) -> Span:
    span = Span(doc, tokens[entity.first].i, tokens[entity.last - 1].i + 1, label=entity.type)
    span._.probability = entity.probability
    return span


def _annotation(tagger: TextTagger, wanted: Annotation | None) -> Annotation:
    """Return what to set; raise ComponentError if the labels do not fit."""
    others = sorted({*tagger.labels} - {*PARTS_OF_SPEECH})
    if wanted is None:
        wanted = "ents" if tagger.scorer.scheme else "tag" if others else "pos"
    if wanted not in ANNOTATIONS:
        raise ComponentError(f"annotate: found {wanted!r}, expected one of {', '.join(ANNOTATIONS)}")
    if wanted == "ents" and not tagger.scorer.scheme:
        raise ComponentError("annotate: found 'ents', but the student's labels write no spans; set 'pos' or 'tag'")
    if wanted == "pos" and others:
        raise ComponentError(
            f"annotate: found 'pos', but spaCy knows no part of speech {', '.join(others[:5])}; set 'tag'"
        )
    return wanted


@Language.factory(
    "structkd",
    default_config={"annotate": None, "threshold": 0.0, "overwrite": False},
    assigns=["doc.ents", "token.pos", "token.tag"],
)
def make(
    nlp: Language, name: str, model: str, annotate: Annotation | None, threshold: float, overwrite: bool
) -> Component:
    """Make the component for `nlp.add_pipe`."""
    return Component(model, annotate, threshold, overwrite)
