"""The page as text: whole, the same every time, safe against what corpora hold, and sufficient to itself."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structkd.artifacts.inspection import PathView
from structkd.pipeline.report.page.charts import Bar, Bars
from structkd.pipeline.report.page.errors import PageError
from structkd.pipeline.report.page.model import Page, Section
from structkd.pipeline.report.page.render import marked, render
from structkd.pipeline.report.page.sentences import SentenceCard, payload
from structkd.pipeline.report.page.tables import TableView
from tests.examples import examples
from tests.pipeline.page.example import example

ROOT = Path(__file__).parents[3]
HOSTILE = (
    "</script><b>",
    "<!--<script>",
    "&lt;",
    "'\"",
    "</style>",
    "{{ 7 * 7 }}",
    "a\u2028b",
    "<img src=x onerror=alert(1)>",
)
VOID = {"meta", "link", "input", "br"}


class Parsed(HTMLParser):
    """Elements and their attributes, the texts by element, and whether each element that opens closes."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], Counter(), [], {}
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    @property
    def payload(self):
        return json.loads(next(text for text in self.texts["script"] if text.startswith("{")))


def hostile_card(word, gold=None):
    return SentenceCard(
        name=word,
        language=word,
        tokens=(word,),
        gold=gold,
        labels=(word,),
        paths=(PathView((word,), 1.0, 1.0),),
        posteriors=((1.0,),),
        predictions={word: (word,)},
    )


def hostile_page(word):
    table = TableView(word, (word, word), ((word, word),), note=word, best=frozenset({(0, 1)}))
    chart = Bars(word, word, (word,), (Bar(word, ((1.0, 2.0),)),), word)
    section = Section(word, word, (table,), (chart,))
    return Page(word, word, (section,), ((word, word),), (word,), (hostile_card(word),))


@pytest.fixture(scope="module")
def page():
    return render(example(20))


@pytest.fixture(scope="module")
def parsed(page):
    return Parsed(page)


@pytest.fixture(scope="module")
def harmless():
    return Parsed(render(hostile_page("word")))


def test_nothing_is_loaded_from_elsewhere(page, parsed):
    assert "://" not in page
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    targets = [value for _, name, value in parsed.attributes if name in ("src", "href", "srcset", "data", "action")]
    assert all(target.startswith(("#", "data:,")) for target in targets)
    policies = [value for tag, name, value in parsed.attributes if (tag, name) == ("meta", "content")]
    assert any(policy.startswith("default-src 'none'") for policy in policies)


def test_no_two_elements_have_the_same_id_and_links_lead_somewhere(parsed):
    ids = Counter(value for _, name, value in parsed.attributes if name == "id")
    assert max(ids.values()) == 1
    assert {value[1:] for _, name, value in parsed.attributes if name == "href" and value[0] == "#"} <= set(ids)


def test_every_table_and_chart_is_there_and_each_chart_has_its_numbers(parsed):
    sections = example(20).sections
    charts = sum(len(section.charts) for section in sections)
    assert parsed.tags["svg"] == 2 * parsed.tags["details"] == 2 * charts  # for a desk, and for a phone
    assert parsed.tags["table"] == charts + sum(len(section.tables) for section in sections)


def test_a_page_is_the_same_in_another_process(page):
    code = (
        "import sys; from tests.pipeline.page.example import *; sys.stdout.buffer.write(render(example(20)).encode())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == page


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_stay_text(harmless, word):
    found = Parsed(render(hostile_page(word)))
    assert found.tags == harmless.tags
    assert found.payload["cards"][0]["tokens"] == [word]
    for place in ("title", "h1", "h2", "th", "strong", "dd", "text", "option", "caption", "b"):
        assert word in found.texts[place], place
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]


@examples(10)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12))
def test_any_words_come_back_out_of_the_page(word):
    assert Parsed(render(Page(word, word, (), sentences=(hostile_card(word),)))).payload["cards"][0]["tokens"] == [word]


def test_a_page_without_sentences_has_no_browser():
    page = Parsed(render(replace(example(1), sentences=())))
    assert page.tags["article"] == 0
    assert page.tags["script"] == 1


def test_an_empty_page_is_a_page():
    assert Parsed(render(Page("nothing", "yet", ()))).tags["main"] == 1


def test_the_best_values_are_emphasised():
    table = TableView("t", ("system", "F1"), (("a", "80.10*"), ("b", "79.00")), best=frozenset({(0, 1)}))
    page = Parsed(render(Page("p", "", (Section("s", tables=(table,)),))))
    assert page.texts["strong"] == ["80.10"]
    assert "*" in page.texts["span"]


@pytest.mark.parametrize(
    ("cell", "parts"),
    [("83.10*", ("83.10", "*")), ("1.5†‡", ("1.5", "†‡")), ("-", ("-", "")), ("", ("", "")), ("*", ("", "*"))],
)
def test_marks_are_what_a_cell_ends_in(cell, parts):
    assert marked(cell) == parts


def test_the_payload_keeps_labels_that_the_task_does_not_have():
    card = replace(hostile_card("word"), gold=("foreign",))
    found = payload((card,))
    assert found["labels"][found["cards"][0]["gold"][0]] == "foreign"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gold": ("O", "O")}, "sentence w (w): gold is for 2 words, the sentence has 1"),
        ({"paths": (PathView((), 1.0, 1.0),)}, "path 1 is for 0 words"),
        ({"predictions": {"exact": ("O", "O")}}, "exact is for 2 words"),
        ({"posteriors": ((1.0,), (1.0,))}, "posteriors is for 2 words"),
        ({"posteriors": ((0.5, 0.5),)}, "word 0 needs 1 finite posteriors, found (0.5, 0.5)"),
        ({"posteriors": ((float("nan"),),)}, "word 0 needs 1 finite posteriors"),
    ],
)
def test_a_sentence_whose_parts_do_not_fit_is_an_error(changed, message):
    with pytest.raises(PageError, match=re.escape(message)):
        replace(hostile_card("w"), **changed)


def test_a_table_whose_rows_do_not_fit_is_an_error():
    with pytest.raises(PageError, match="table 'F1', row 1: 1 cells under 2 heads"):
        TableView("F1", ("system", "F1"), (("a", "1"), ("b",)))


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_the_extra_the_error_says_what_to_install(package):
    code = f"""
import sys
sys.modules["{package}"] = None
from structkd.pipeline.report.page.model import Page
from structkd.pipeline.report.page.render import render
render(Page("p", "", ()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"needs the package {package}; install it with: pip install 'structkd[report]'" in done.stderr
