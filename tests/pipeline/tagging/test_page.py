"""The page of highlighted entities: hostile text is text; in headless Chromium, in light and dark, wide and narrow."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from structkd.pipeline.tagging.items import Chunk
from structkd.pipeline.tagging.page import Page
from structkd.runtime.splitting import split
from structkd.runtime.tagging import Entity, Tagged
from structkd.runtime.terminal import printable
from tests.examples import examples
from tests.pipeline.page.test_browser import CHROMEDRIVER, CHROMIUM, CONTRASTS, chromium, prefer  # noqa: F401

HOSTILE = "</style><script>alert(1)</script> <img src=x onerror=alert(2)> &lt;b&gt; \"'` \x1b[31m \u202e \x00"
TYPES = ["PER", "LOC", '"><script>', "a" * 40, "ערים"]
browser = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason="no Chromium and chromedriver here")


def page(found, types=TYPES, title="in.txt"):
    pieces = []
    output = Page(pieces.append, types, title)
    output.write(Chunk([], 0), found)
    output.close()
    return "\n".join(pieces)


def with_entities(text, *spans):
    entities = [Entity(kind, text[a:b], a, b, 0, 1, chance) for kind, a, b, chance in spans]
    return Tagged(text, tuple(split(text)), (), (), tuple(entities))


@given(st.text(min_size=1), st.data())
@examples(40)
def test_a_text_is_on_the_page_as_it_is(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    tagged = with_entities(text + "x", (data.draw(st.sampled_from(TYPES)), start, end, 0.5))
    (item,) = re.findall(r"<li>(.*)</li>", page([tagged]), re.DOTALL)
    shown = re.sub(r"<small>.*?</small>", "", item, flags=re.DOTALL)
    assert html.unescape(re.sub("<[^>]*>", "", shown)) == printable(text + "x")
    assert len(re.findall("<mark", item)) == 1


def test_hostile_text_is_text():
    text = page([with_entities(HOSTILE, ('"><script>', 0, len(HOSTILE), 0.1))], title=HOSTILE)
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("</style>") == 1
    assert not {"\x1b", "\u202e", "\x00"} & {*text}


FOUND = [
    with_entities("Ada flew to Oslo .", ("PER", 0, 3, 0.98765), ("LOC", 12, 16, 0.5)),
    with_entities(""),
    with_entities(HOSTILE, ('"><script>', 3, 8, 0.1), ("a" * 40, 8, 15, 0.99)),
    with_entities("אנגלה מרקל ביקרה בברלין", ("PER", 0, 10, 0.7), ("ערים", 17, 23, 0.2)),
    with_entities("x" * 500, ("LOC", 0, 500, 1.0)),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(FOUND), "utf-8")
    return path.as_uri()


@browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_in_light_and_dark_wide_and_narrow(chromium, address, scheme, width):  # noqa: F811
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    prefer(chromium, scheme)
    chromium.get(address)
    assert chromium.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    (least, *where), *_ = chromium.execute_script(CONTRASTS)
    assert least >= 4.5, where
    requests = [json.loads(one["message"])["message"] for one in chromium.get_log("performance")]
    sent = [one["params"]["request"]["url"] for one in requests if one["method"] == "Network.requestWillBeSent"]
    assert {url for url in sent if not url.startswith(("data:", "chrome"))} == {address}
    assert not [one for one in chromium.get_log("browser") if one["level"] == "SEVERE"]


@browser
def test_a_probability_is_shown_by_keyboard_and_a_type_can_be_switched_off(chromium, address):  # noqa: F811
    chromium.get(address)
    first = chromium.find_element(By.CSS_SELECTOR, "mark")
    chance = first.find_element(By.CSS_SELECTOR, "span")
    assert chance.value_of_css_property("opacity") == "0"
    chromium.find_element(By.CSS_SELECTOR, "input:last-of-type").send_keys(Keys.TAB * len(TYPES))
    assert chromium.switch_to.active_element == first
    assert chance.value_of_css_property("opacity") == "1"
    assert chance.text == "0.9877"
    chromium.find_element(By.ID, "t0").click()
    shown = {mark.text: mark.find_element(By.CSS_SELECTOR, "small").is_displayed() for mark in _marks(chromium)}
    assert not shown["Ada"]
    assert sum(shown.values()) == 5


def _marks(driver):
    return driver.find_elements(By.CSS_SELECTOR, "mark")
