"""The words that a tagger's encoders do not know."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from structkd.tagger.config import StaticVectorsConfig, TaggerConfig, TransformerConfig, WordsConfig
from structkd.tagger.encoders.loading import library, load_tokenizer
from structkd.tagger.encoders.pretrained import find_pretrained
from structkd.tagger.encoders.static import StaticVectors


def unknown_words(config: TaggerConfig, train: Mapping[str, int], other: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield each encoder with a vocabulary, and the number of words of `other` that it does not know.

    Characters and n-grams have no vocabulary of words.

    Args:
        train: the words of the training text, with their counts.
        other: distinct words.
    """
    for encoder in config.encoders:
        match encoder:
            case WordsConfig():
                counts: Counter[str] = Counter()
                for word, count in train.items():
                    counts[word.lower()] += count
                yield "words", sum(counts[word.lower()] < config.min_count for word in other)
            case StaticVectorsConfig():
                yield encoder.path, len(other) - StaticVectors(encoder).known(list(other))
            case TransformerConfig():
                yield encoder.model, _unknown_to(encoder, list(other))


def _unknown_to(encoder: TransformerConfig, words: list[str]) -> int:
    with library(encoder.model) as transformers:
        tokenizer = load_tokenizer(transformers, find_pretrained(encoder.model))
        if tokenizer.unk_token_id is None:
            return 0
        cut = tokenizer([[word] for word in words], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    return sum(tokenizer.unk_token_id in ids for ids in cut)
