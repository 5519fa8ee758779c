"""The split of a name, a template or a sentence: a function of its text alone, never of the seed."""

from collections.abc import Sequence
from hashlib import blake2b

from structkd.corpora.sentences import Split

SPLITS: tuple[Split, ...] = ("train", "dev", "test", "unlabelled")
LEXICON_SHARES: dict[Split, float] = {"train": 0.40, "unlabelled": 0.30, "dev": 0.12, "test": 0.18}
HELD_OUT_TEMPLATES = 0.25


def name_split(name: str) -> Split:
    """Return the split of a name; upper and lower case are the same name."""
    place = _uniform("name", name)
    for split, share in LEXICON_SHARES.items():
        if place < share:
            return split
        place -= share
    return "test"


def may_use(split: Split, name: str) -> bool:
    """True if `split` may contain `name`. Unlabelled text may contain all: real text is about the same world."""
    return split == "unlabelled" or name_split(name) == split


def sentence_split(tokens: Sequence[str]) -> Split:
    """Return the split of a sentence, so that no two splits share a sentence."""
    return SPLITS[int(_uniform("sentence", " ".join(tokens)) * len(SPLITS))]


def held_out(template: str) -> bool:
    """True if the training split does not use a template, so that the others contain unseen contexts."""
    return _uniform("template", template) < HELD_OUT_TEMPLATES


def _uniform(salt: str, text: str) -> float:
    digest = blake2b(text.casefold().encode(), digest_size=6, salt=salt.encode()).digest()
    return int.from_bytes(digest) / 2**48
