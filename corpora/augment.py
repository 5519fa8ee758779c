"""Text made from a corpus: sentences cut and joined, words replaced or masked (Tang et al., 2019, arXiv 1903.12136).

Teachers annotate it if no unlabelled text of the domain exists. Their answers need not be sensible: they show the
decisions of the teachers between the sentences of the corpus.
"""

import numpy as np

from structkd.corpora.sentences import Corpus, CorpusError, Sentence

VERSION = 1  # of the text that a corpus and settings give: raise it with every change
MASK = "<mask>"


def augment(corpus: Corpus, *, copies: int, replace: float, mask: float, join: float, seed: int) -> Corpus:
    """Return `copies` changed copies of each sentence, without labels, copy after copy in the order of the corpus.

    Args:
        replace: probability that a word is replaced by a word of the corpus, drawn by frequency.
        mask: probability that a word is replaced by `MASK`.
        join: probability that a sentence is cut to a span and joined with a span of another sentence; the result is no
        longer than the longest sentence of the corpus.

    Raises:
        CorpusError: probabilities of a word that add up to more than 1.
    """
    if replace + mask > 1:
        raise CorpusError(f"augment: replace = {replace} and mask = {mask} add up to more than 1; lower one of them")
    random = np.random.default_rng(seed)
    words = [word for sentence in corpus for word in sentence.tokens]
    longest = max(map(len, corpus))
    made = []
    for sentence in (sentence for _ in range(copies) for sentence in corpus):
        tokens = list(sentence.tokens)
        if random.random() < join:
            other = corpus[int(random.integers(len(corpus)))]
            tokens = (_span(tokens, random) + _span(list(other.tokens), random))[:longest]
        draw, drawn = random.random(len(tokens)), random.integers(len(words), size=len(tokens))
        for place in np.flatnonzero(draw < replace + mask).tolist():
            tokens[place] = words[drawn[place]] if draw[place] < replace else MASK
        made.append(Sentence(tuple(tokens)))
    return Corpus(corpus.language, "augmented", tuple(made))


def _span(tokens: list[str], random: np.random.Generator) -> list[str]:
    """Return a span of at least one word; all lengths and places have equal probability."""
    length = int(random.integers(1, len(tokens) + 1))
    first = int(random.integers(len(tokens) - length + 1))
    return tokens[first : first + length]
