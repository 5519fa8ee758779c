"""The demo corpus: sentences drawn by a seed, each in one split and only once."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from random import Random

from structkd.corpora.demo.compose import Chunk, Composer
from structkd.corpora.demo.grammar import load_grammar
from structkd.corpora.demo.lexicon import load_lexicon
from structkd.corpora.demo.noise import misannotated, slips
from structkd.corpora.demo.shares import SPLITS, sentence_split
from structkd.corpora.sentences import Corpus, CorpusError, Sentence, Split

MAX_WORDS = 45
_MAX_REJECTED = 10_000


def demo_corpus(language: str, split: Split, *, sentences: int, seed: int) -> Corpus:
    """Generate the first `sentences` sentences of the stream that (language, split, seed) names.

    Labels are IOB2 over PER, LOC and ORG; the unlabelled split has none. Equal arguments give equal bytes under
    an equal `generator_digest()`; a smaller corpus is the beginning of a larger one. Raises CorpusError for an
    unknown language or split, and for a number of sentences below 0.
    """
    if split not in SPLITS:
        raise CorpusError(f"the demo corpus has no split {split!r}; it has {', '.join(SPLITS)}")
    if sentences < 0:
        raise CorpusError(f"the demo corpus was asked for {sentences} sentences; ask for 0 or more")
    composer = Composer(load_grammar(language), load_lexicon(language, split), split)
    stream = _stream(composer, Random(f"{language}/{split}/{seed}"))
    return Corpus(language, split, tuple(islice(stream, sentences)))


def _stream(composer: Composer, rng: Random) -> Iterator[Sentence]:
    seen: set[str] = set()
    rejected = 0
    while rejected < _MAX_REJECTED:
        chunks = [slips(rng, chunk, composer.split) for chunk in composer.draw(rng)]
        words = tuple(chain.from_iterable(chunk.words for chunk in chunks))
        text = " ".join(words).casefold()
        if _acceptable(chunks, words, composer.split) and text not in seen:
            seen.add(text)
            rejected = 0
            yield _annotated(rng, chunks, words, composer.split)
        else:
            rejected += 1
    raise CorpusError(
        f"{composer.grammar.language} {composer.split}: no new sentence in {_MAX_REJECTED} draws "
        f"after {len(seen)} sentences; ask for fewer"
    )


def _acceptable(chunks: Sequence[Chunk], words: tuple[str, ...], split: Split) -> bool:
    """True if the sentence is in this split, of a normal length, and without one name twice ("Leeds beat Leeds")."""
    names = [chunk.surface for chunk in chunks if chunk.kind is not None]
    return sentence_split(words) == split and 3 <= len(words) <= MAX_WORDS and len(set(names)) == len(names)


def _annotated(rng: Random, chunks: Sequence[Chunk], words: tuple[str, ...], split: Split) -> Sentence:
    if split == "unlabelled":
        return Sentence(words)
    if split == "train":
        chunks = list(chain.from_iterable(misannotated(rng, chunk) for chunk in chunks))
    return Sentence(words, tuple(chain.from_iterable(map(_labels, chunks))))


def _labels(chunk: Chunk) -> Iterator[str]:
    if chunk.kind is None:
        return iter(["O"] * len(chunk.words))
    return iter([f"B-{chunk.kind}"] + [f"I-{chunk.kind}"] * (len(chunk.words) - 1))
