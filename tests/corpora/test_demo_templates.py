"""The demo corpus's language files: every template can be written out, and noise keeps to its rules."""

import re
from itertools import chain
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import structkd.corpora.demo
from structkd.corpora.demo import LANGUAGES
from structkd.corpora.demo.compose import Chunk, Composer, cased
from structkd.corpora.demo.grammar import load_grammar
from structkd.corpora.demo.lexicon import load_lexicon
from structkd.corpora.demo.noise import misannotated, slips
from structkd.corpora.demo.shares import LEXICON_SHARES, SPLITS, held_out, may_use, name_split

NAME_KINDS = {"first", "last", "city", "country", "region", "core", "acronym", "river", "agency"}
chunks = st.builds(
    Chunk,
    st.lists(st.text("abcdeÉßøXYZ-'", min_size=1, max_size=9), min_size=1, max_size=4).map(tuple),
    st.sampled_from([None, "PER", "LOC", "ORG"]),
)
randoms = st.integers(0, 10**6).map(Random)


def templates(language: str) -> list[str]:
    grammar = load_grammar(language)
    parts = [(r.entities, r.plain, r.tails, r.joins) for r in grammar.registers]
    return list(chain.from_iterable(chain.from_iterable(parts)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_many_templates_and_none_twice(language):
    registers = load_grammar(language).registers
    entities = [template for register in registers for template in register.entities]
    plain = [template for register in registers for template in register.plain]
    assert len(set(entities)) == len(entities) >= 80
    assert len(set(plain)) == len(plain) >= 40
    assert all("{PER" in t or "{LOC" in t or "{ORG" in t for t in entities)
    assert not any("{PER" in t or "{LOC" in t or "{ORG" in t for t in plain)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_slot_that_a_file_names_is_defined(language):
    grammar = load_grammar(language)
    for text in [*templates(language), *chain.from_iterable(grammar.words.values())]:
        for slot in re.findall(r"\{(.*?)\}", text):
            assert slot in grammar.words or slot in grammar.forms, f"{language}: {slot} in {text}"
    for form in chain.from_iterable(grammar.forms.values()):
        assert set(re.findall(r"\{(.*?)\}", form)) <= NAME_KINDS, f"{language}: {form}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_brackets_are_balanced_and_punctuation_stands_apart(language):
    for text in templates(language):
        assert all(text.count(left) == text.count(right) for left, right in ("[]", "<>", "{}")), text
        assert not re.search(r"[^\s.\[!][,;!?](\s|$)", text), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_register_has_templates_for_training_and_templates_kept_from_it(language):
    for register in load_grammar(language).registers:
        for kind in (register.entities, register.plain):
            assert not all(map(held_out, kind))
    assert 0.1 < sum(map(held_out, templates(language))) / len(templates(language)) < 0.4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_training_never_writes_out_a_held_out_template_and_every_split_writes_sentences(language, split, monkeypatch):
    used = set()
    expand = Composer._expand

    def spy(rng, text, phrases):
        used.add(text)
        return expand(rng, text, phrases)

    monkeypatch.setattr(Composer, "_expand", staticmethod(spy))
    composer = Composer(load_grammar(language), load_lexicon(language, split), split)
    rng = Random(0)
    for _ in range(600):
        composer.draw(rng)
    clauses = {t for r in composer.grammar.registers for t in (*r.entities, *r.plain)}
    assert any(map(held_out, used & clauses)) == (split != "train")


def test_names_are_shared_out_as_documented():
    owners = [name_split(f"name {number}") for number in range(20_000)]
    for split, share in LEXICON_SHARES.items():
        assert abs(owners.count(split) / len(owners) - share) < 0.02


@given(st.text(min_size=1))
def test_one_split_owns_a_name_whatever_its_case(name):
    assert sum(may_use(split, name) for split in ("train", "dev", "test")) <= 1
    assert name_split(name) == name_split(name.casefold())


@given(randoms, chunks, st.sampled_from(SPLITS))
def test_a_slip_keeps_the_number_of_words_and_makes_no_name_of_another_split(rng, chunk, split):
    slipped = slips(rng, chunk, split)
    assert slipped.kind == chunk.kind
    assert len(slipped.words) == len(chunk.words)
    for word, typed in zip(chunk.words, slipped.words, strict=True):
        if chunk.kind is not None and typed not in (word, word.lower()):
            assert may_use(split, typed)


def test_noise_comes_at_its_documented_rates():
    rng = Random(0)
    name = Chunk(("Abcdefg", "Hijklmn"), "PER")
    slipped = [slips(rng, Chunk(("letters",)), "train") for _ in range(20_000)]
    lowered = [slips(rng, name, "train").words[0].islower() for _ in range(20_000)]
    wrong = [misannotated(rng, name) != [name] for _ in range(20_000)]
    assert 0.012 < sum(chunk.words != ("letters",) for chunk in slipped) / 20_000 < 0.018
    assert 0.025 < sum(lowered) / 20_000 < 0.035
    assert 0.016 < sum(wrong) / 20_000 < 0.024


@given(randoms, chunks)
def test_an_annotation_error_never_changes_the_words(rng, chunk):
    marked = [misannotated(rng, chunk) for _ in range(40)]
    assert all(tuple(chain.from_iterable(part.words for part in parts)) == chunk.words for parts in marked)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("sentence", ['" In Den Haag', "De 's nachts"]),
        ("title", ['" In Den Haag', "De 's Nachts"]),
        ("upper", ['" IN DEN HAAG', "DE 'S NACHTS"]),
        ("lower", ['" in den haag', "de 's nachts"]),
    ],
)
def test_a_style_changes_capitals_and_never_the_entities(style, expected):
    first = [Chunk(('"',)), Chunk(("in",)), Chunk(("Den", "Haag"), "LOC")]
    second = [Chunk(("de",)), Chunk(("'s",)), Chunk(("nachts",))]
    written = [" ".join(word for chunk in cased(part, style) for word in chunk.words) for part in (first, second)]
    assert written == expected
    assert [chunk.kind for chunk in cased(first, style)] == [None, None, "LOC"]


def test_the_documented_statistics_can_be_printed(capsys):
    page = Path(structkd.corpora.demo.__file__).parents[3] / "docs" / "demo-corpus.md"
    snippet = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)[-1]
    exec(compile(snippet, str(page), "exec"), {})
    printed = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in printed.splitlines()[2:]] == list(LANGUAGES)
