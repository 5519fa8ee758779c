"""Raw text is split into words that a reader of its language would call words."""

import subprocess
import sys

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from structkd.runtime import splitting
from structkd.runtime.splitting import SplittingError, Word, split, split_blanks


def texts(line):
    return [word.text for word in split(line)]


@pytest.mark.parametrize(
    "word",
    [
        "हिन्दी",
        "தமிழ்",
        "বাংলা",
        "ქართული",
        "Mu\u0308nchen",
        "o\u0323\u0301fi\u0300",
        "می\u200cرود",
        "क्\u200dष",
        "\U0001f469\u200d\U0001f467",
        "❤\ufe0f",
        "\U0001f1e9\U0001f1ea",
        "1\ufe0f\u20e3",
        "👍🏽",
        "20\u00a0000",
        "1\u202f234\u202f567",
        "3,14",
        "e-mail",
        "a@b.org",
        "U.S.",
        "rock'n'roll",
        "צה״ל",
        "...",
        "--",
    ],
)
def test_a_word_is_not_cut(word):
    assert texts(f"x {word} y") == ["x", word, "y"]
    assert texts(word) == [word]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Ada flew to Oslo.", "Ada flew to Oslo ."),
        ("(He said: «Yes!»)", "( He said : « Yes ! » )"),
        ("l'homme qu’il l'Union aujourd'hui", "l' homme qu’ il l' Union aujourd'hui"),
        ("Mary's dog doesn't, I'll", "Mary 's dog does n't , I 'll"),
        ("J. Smith lives here: a.", "J. Smith lives here : a ."),
        ("d\u00e9j\u00e0\u00a0: 10 %", "déjà : 10 %"),
        ("a\u200bb \u200ec\ufeff", "a b c"),
        ("है। क्या", "है । क्या"),
        ("😀😀", "😀 😀"),
    ],
)
def test_signs_are_words_of_their_own(line, words):
    assert texts(line) == words.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("私は学生です。", "私 は 学生 です 。"),
        ("我们在北京大学学习", "我们 在 北京 大学 学习"),
        ("ฉันชอบกินข้าว", "ฉัน ชอบ กิน ข้าว"),
        ("ខ្ញុំស្រលាញ់អ្នក", "ខ្ញុំ ស្រលាញ់ អ្នក"),
        ("ကျွန်တော်သွားသည်", "ကျွန်တော် သွား သည်"),
        ("ຂ້ອຍຮັກເຈົ້າ", "ຂ້ອຍ ຮັກ ເຈົ້າ"),
        ("😀東京 in 2020年", "😀 東京 in 2020 年"),
        ("𠮷野家", "𠮷 野家"),
    ],
)
def test_scripts_without_blanks_are_segmented(line, words):
    pytest.importorskip("icu4py")
    assert texts(line) == words.split()


def test_without_icu_an_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    assert texts("Oslo") == ["Oslo"]
    with pytest.raises(SplittingError, match=r"found '東京' at character 4.*pip install 'structkd\[segmentation\]'"):
        split("in 東京")


# All of Unicode but for the scripts that need a dictionary, which may not be installed.
spaced = st.text(
    st.one_of(
        st.characters(codec="utf-8").filter(lambda one: not regex.match(splitting._UNSPACED, one, regex.VERSION1)),
        st.sampled_from(" .'-’nt\u0301\u200d\u200c\ufe0f\u00a0👩🇩हा1"),
    )
)


@given(spaced)
def test_words_are_where_they_say_and_nothing_visible_is_lost(text):
    end, between = 0, ""
    for word in split(text):
        assert word.start >= end
        assert text[word.start : word.end] == word.text
        between, end = between + text[end : word.start], word.end
    assert not regex.search(r"[^\s\p{Default_Ignorable_Code_Point}]", between + text[end:])


@given(spaced)
def test_no_grapheme_cluster_is_cut(text):
    ends = {found.end() for found in regex.finditer(r"\X", text)}
    cut = [word for word in split(text) if word.end not in ends and word.end < len(text)]
    # A line break or an invisible sign ends a cluster whatever follows; a sign before its letter (Prepend) does not.
    assert all(regex.match(r"\p{GCB=Prepend}", word.text[-1]) for word in cut)


@given(st.text("aJ.é'’ʼд nd't-5\u0301\u00a0\u200d\u3042\n", max_size=30))
def test_plain_words_are_those_of_the_expression(text):
    assert split(text) == list(splitting._found(text, 0, len(text)))


def test_text_that_is_split_already_is_split_at_blanks_alone():
    assert split_blanks(" costs\t10\u00a0000  euros.\r\n") == [
        Word("costs", 1, 6),
        Word("10\u00a0000", 7, 13),
        Word("euros.", 15, 21),
    ]


def test_it_needs_neither_torch_nor_pyarrow():
    code = (
        "import sys, structkd.runtime.splitting; print(sorted({'torch', 'pyarrow', 'numpy', 'typer'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
