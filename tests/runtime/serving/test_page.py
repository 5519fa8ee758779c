"""The server's page in a real browser, headless Chromium: light and dark, on a phone, by keyboard, without holes."""

import json

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from structkd.runtime.tagging import Wanted
from tests.pipeline.page.test_browser import CONTRASTS, chromium, prefer, pytestmark  # noqa: F401
from tests.runtime.serving.client import ask
from tests.runtime.serving.process import HOSTILE, MODELS, running, taggers

TAGGERS = taggers(MODELS)
TEXT = '<img src=x onerror=alert(1)> Ada\u202e flew\n to  Oslo & "b" 😀 Bob</script><script>alert(2)</script> {{7*7}}'
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def server():
    with running(*MODELS) as process:
        yield process


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture
def page(server, chromium):  # noqa: F811
    """The page, with the answer to its first example."""
    chromium.get_log("browser")
    resize(chromium, "desktop")
    chromium.get(f"http://127.0.0.1:{server.port}/")
    answered(chromium)
    return chromium


def resize(driver, size):
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def answered(driver):
    """Wait for an answer, and return the status line."""
    return WebDriverWait(driver, 60).until(
        lambda driver: (text := driver.find_element(By.ID, "status").text) not in ("", "…") and text
    )


def tag(driver, text, model="spans"):
    """Type a text and press Ctrl and Enter."""
    Select(driver.find_element(By.ID, "model")).select_by_visible_text(model)
    driver.execute_script("document.getElementById('text').value = arguments[0]", text)
    driver.execute_script("document.getElementById('status').textContent = ''")
    driver.find_element(By.ID, "text").send_keys(Keys.CONTROL, Keys.ENTER)
    return answered(driver)


def texts(driver, selector):
    return driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector
    )


def expected(text, model):
    return TAGGERS[model].tag([text], Wanted(k=5, marginals=True))[0]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("text", [TEXT, "Ada flew to Oslo with Bob .", "שלום לכם 😀"])
def test_it_shows_what_the_tagger_says(page, model, text):
    status = tag(page, text, model)
    found = expected(text, model)
    assert f"{len(found.words)} words" in status
    marks = [(one.text, one.type) for one in found.entities]
    if MODELS[model][1] is None:
        marks = [(word.text, label) for word, label in zip(found.words, found.labels, strict=True)]
    marks = [(text, kind if len(kind) <= 24 else kind[:24] + "…") for text, kind in marks]
    assert texts(page, "#marked mark") == ["".join(one) for one in marks]
    assert texts(page, "#marked mark small") == [kind for _, kind in marks]
    shown = page.execute_script(
        "const copy = document.getElementById('marked').cloneNode(true);"
        "copy.querySelectorAll('small').forEach((one) => one.remove()); return copy.textContent"
    )
    assert shown == text
    assert texts(page, "#words thead th") == [word.text for word in found.words]
    best = page.execute_script(
        "return [...document.querySelectorAll('#words .best')]"
        ".sort((one, other) => one.cellIndex - other.cellIndex).map((cell) => cell.textContent)"
    )
    assert best == [str(int(100 * round(chance, 4) + 0.5)) for chance in found.probabilities]
    assert len(texts(page, "#labelings li")) == len(found.labelings)


def test_nothing_that_is_shown_is_markup(page):
    """Neither the text nor the labels make an element, run, or are asked of the network."""
    tag(page, TEXT, "hostile")
    elements = set(page.execute_script("return [...document.querySelectorAll('main *')].map((one) => one.tagName)"))
    assert not elements & {"IMG", "SCRIPT", "STYLE", "B", "IFRAME"}
    assert {*texts(page, "#words tbody th")} <= {label if len(label) <= 24 else label[:24] + "…" for label in HOSTILE}
    assert page.get_log("browser") == []


def test_it_asks_its_own_server_alone(page, server):
    page.get_log("performance")
    page.refresh()
    answered(page)
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    address = f"http://127.0.0.1:{server.port}/"
    assert asked - {"data:,"} == {address, *(address + name for name in ("page.css", "page.js", "models", "tag"))}
    assert page.get_log("browser") == []


def test_its_policy_allows_nothing_else(page, server):
    for path in ("/", "/page.css", "/page.js"):
        _, headers, body = ask(server, "GET", path)
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert b"http" not in body
    ran = page.execute_script(
        "const one = document.createElement('script'); one.textContent = 'window.ran = true';"
        "document.body.append(one); return window.ran === true"
    )
    assert not ran


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", MODELS)
def test_it_is_readable(page, scheme, size, model):
    resize(page, size)
    prefer(page, scheme)
    tag(page, TEXT, model)
    ratio, name, text = page.execute_script(CONTRASTS)[0]
    assert ratio >= 4.5, (name, text)
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_the_button_turns_the_scheme(page):
    prefer(page, "light")
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(paper)
    page.find_element(By.ID, "scheme").click()
    assert page.execute_script(paper) != light
    assert page.find_element(By.ID, "scheme").get_attribute("aria-pressed") == "true"


def test_the_keyboard_reaches_everything(page):
    tag(page, "word " * 60)
    reached = set()
    for _ in range(30):
        webdriver.ActionChains(page).send_keys(Keys.TAB).perform()
        focus = page.switch_to.active_element
        if focus.tag_name != "body":
            reached.add(focus.get_attribute("id") or focus.text)
            assert page.execute_script("return getComputedStyle(arguments[0]).outlineStyle", focus) != "none"
    assert {"scheme", "text", "model", "tag", "English", "words", "OpenAPI", "health"} <= reached


def test_a_refusal_is_shown_and_the_text_is_kept(page):
    text = "x" * 100_001
    page.execute_script("document.getElementById('text').value = arguments[0]", text)
    page.find_element(By.ID, "tag").click()
    alert = page.find_element(By.ID, "error")
    WebDriverWait(page, 60).until(lambda _: alert.is_displayed())
    assert alert.text == "text: found 100001 characters, expected at most 100000"
    assert page.execute_script("return document.getElementById('text').value.length") == len(text)
    assert not page.find_element(By.ID, "result").is_displayed()
    tag(page, "short")
    assert not alert.is_displayed()


def test_a_server_that_is_gone_is_said(chromium):  # noqa: F811
    with running() as server:
        chromium.get(f"http://127.0.0.1:{server.port}/")
        answered(chromium)
    chromium.find_element(By.ID, "tag").click()
    alert = chromium.find_element(By.ID, "error")
    WebDriverWait(chromium, 60).until(lambda _: alert.is_displayed())
    assert alert.text == "The server does not answer. Is it running?"


def test_a_long_text_is_shown_in_part(page):
    tag(page, "word " * 400)
    assert len(texts(page, "#words thead th")) == 300
    assert page.find_element(By.ID, "rest").text == "Shown: the first 300 of 400 words."
