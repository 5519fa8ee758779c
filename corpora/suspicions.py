"""Warnings about a readable corpus that looks wrong, most often because the wrong column was named."""

import re
from collections.abc import Iterable, Iterator

from structkd.corpora.sentences import Corpus, label_names

_NUMBER = re.compile(r"[-+]?\d+([.,:/-]\d+)*")


def suspicions(corpus: Corpus) -> Iterator[str]:
    """Yield warnings as texts; none for most corpora."""
    words = {word for sentence in corpus for word in sentence.tokens}
    if words and all(map(_NUMBER.fullmatch, words)):
        yield f"all words are numbers, such as {min(words)}; is the column of words the right one?"
    labels = label_names([corpus])
    if len(labels) == 1 and corpus.tokens > 1:
        yield f"all {corpus.tokens} words have one label, {labels.pop()}; is the column of labels the right one?"


def unknown_types(corpus: Corpus, known: tuple[str, ...]) -> str | None:
    """Return a warning about labels that a tagger with the labels `known` can never give; None if there are none.

    Span labels are compared by type.
    """
    theirs, ours = types(label_names([corpus])), types(known)
    if not (unknown := theirs - ours):
        return None
    return (
        f"the tagger never says {', '.join(sorted(unknown))}, so all of that counts as wrong; "
        f"the file has {', '.join(sorted(theirs))}, the tagger knows {', '.join(sorted(ours))}"
    )


def types(labels: Iterable[str]) -> set[str]:
    """Return the types of the spans, or the tags themselves; without O."""
    return {label.partition("-")[2] or label for label in labels} - {"O"}
