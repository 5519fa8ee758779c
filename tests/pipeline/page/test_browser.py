"""The page in a real browser, headless Chromium: it loads alone, is read in light and dark, and worked by keyboard."""

import json
import shutil
from dataclasses import replace

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from structkd.pipeline.report.page.model import Page
from structkd.pipeline.report.page.render import render
from tests.pipeline.page.example import SYSTEMS, example
from tests.pipeline.page.test_render import HOSTILE, hostile_card

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMEDRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and CHROMEDRIVER), reason="no Chromium and chromedriver here (Debian: chromium, chromium-driver)"
)

PAGE = example(60)
CARDS = PAGE.sentences
SCHEMES = ("light", "dark")
CONDITIONS = {
    "student-teacher": lambda card, system: card.predictions[system] != card.paths[0].labels,
    "teacher-gold": lambda card, system: card.gold is not None and card.paths[0].labels != card.gold,
    "student-gold": lambda card, system: card.gold is not None and card.predictions[system] != card.gold,
}

# The contrast of each text with the background that it stands on, the least first. Colours are read off a canvas,
# which knows all of CSS's notations.
CONTRASTS = """
const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
};
const luminance = (colour) => {
  const [red, green, blue] = rgba(colour).slice(0, 3).map((byte) => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const background = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (rgba(colour)[3] === 255) return colour;
  }
  throw new Error("no background");
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
  if (!text || !element.checkVisibility() || element.matches("script, :disabled")) continue;
  const style = getComputedStyle(element);
  const [one, other] = [luminance(element.closest("svg") ? style.fill : style.color), luminance(background(element))];
  found.push([(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), element.tagName, text]);
}
return found.sort((one, other) => one[0] - other[0]);
"""


@pytest.fixture(scope="module")
def chromium():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(PAGE), "utf-8")
    return path.as_uri()


@pytest.fixture
def page(chromium, address):
    """The example, freshly loaded in light colours."""
    prefer(chromium, "light")
    chromium.get(address)
    return chromium


def prefer(driver, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def matches(driver):
    return driver.execute_script("return [...document.querySelectorAll('#matches li')].map((item) => item.title)")


def chosen(driver):
    return driver.find_element(By.CSS_SELECTOR, "#matches [aria-selected=true]").get_attribute("title")


def press(driver, *keys):
    webdriver.ActionChains(driver).send_keys(*keys).perform()


def colour(driver, selector, what):
    element = driver.find_element(By.CSS_SELECTOR, selector)
    return driver.execute_script("return getComputedStyle(arguments[0])[arguments[1]]", element, what)


def test_it_loads_without_a_complaint_and_without_the_network(page, address):
    page.get_log("performance")
    page.refresh()
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    requested = {
        event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
    }
    assert requested - {"data:,"} == {address}
    assert page.get_log("browser") == []


@pytest.mark.parametrize("conditions", [(), *((name,) for name in CONDITIONS), ("teacher-gold", "student-gold")])
@pytest.mark.parametrize(("system", "language"), [(SYSTEMS[0], "all"), (SYSTEMS[-1], "he")])
def test_filters_leave_exactly_the_sentences_that_they_name(page, conditions, system, language):
    Select(page.find_element(By.ID, "system")).select_by_visible_text(system)
    Select(page.find_element(By.ID, "language")).select_by_visible_text(language)
    for name in conditions:
        page.find_element(By.ID, name).click()
    expected = [
        card.name
        for card in CARDS
        if language in ("all", card.language) and all(CONDITIONS[name](card, system) for name in conditions)
    ]
    assert matches(page) == expected
    count = page.find_element(By.ID, "count").text
    assert count == (
        f"1 of {len(expected)} that match; {len(CARDS)} in all" if expected else "No sentence matches; 60 in all"
    )


def test_words_are_searched_for_in_any_case(page):
    page.find_element(By.ID, "words").send_keys("ANGELA m")
    assert matches(page) == [card.name for card in CARDS if card.language == "en"]
    page.find_element(By.ID, "words").send_keys("zzz")
    assert matches(page) == []
    assert page.find_element(By.ID, "count").text == "No sentence matches; 60 in all"
    assert page.find_element(By.ID, "sentence").text == ""


def test_a_filter_keeps_the_chosen_sentence_where_it_still_matches(page):
    page.find_element(By.CSS_SELECTOR, "#matches li:nth-child(4)").click()
    assert chosen(page) == CARDS[3].name
    Select(page.find_element(By.ID, "language")).select_by_visible_text(CARDS[3].language)
    assert chosen(page) == CARDS[3].name


def test_arrows_and_letters_go_from_sentence_to_sentence_and_stop_at_the_ends(page):
    page.find_element(By.CSS_SELECTOR, "#matches").send_keys(Keys.ARROW_RIGHT)
    assert chosen(page) == CARDS[1].name
    for keys, place in (("jj", 3), ("k", 2), (Keys.ARROW_LEFT, 1), (Keys.ARROW_DOWN, 2), (Keys.ARROW_UP, 1)):
        press(page, keys)
        assert chosen(page) == CARDS[place].name
    press(page, Keys.HOME, Keys.ARROW_LEFT)
    assert chosen(page) == CARDS[0].name
    assert not page.find_element(By.ID, "previous").is_enabled()
    press(page, Keys.END, Keys.ARROW_RIGHT)
    assert chosen(page) == CARDS[-1].name
    assert not page.find_element(By.ID, "next").is_enabled()


def test_letters_typed_into_the_search_are_searched_for(page):
    page.find_element(By.ID, "words").send_keys("j")
    assert page.find_element(By.ID, "words").get_attribute("value") == "j"
    assert matches(page) == [card.name for card in CARDS if "j" in " ".join(card.tokens).lower()]


@pytest.mark.parametrize("key", ["j", Keys.ARROW_RIGHT])
def test_keys_work_as_soon_as_the_page_is_open_and_bring_the_sentences_into_view(page, key):
    press(page, key)
    assert chosen(page) == CARDS[1].name
    assert page.execute_script(
        "const box = document.getElementById('matches').getBoundingClientRect();"
        "return box.top < innerHeight && box.bottom > 0"
    )


def test_a_question_mark_lists_the_keys_which_rest_while_it_does(page):
    press(page, "?")
    listed = page.find_element(By.ID, "keys")
    assert listed.is_displayed()
    assert {key.text for key in listed.find_elements(By.TAG_NAME, "kbd")} >= {"j", "k", "/", "n", "p", "d", "?"}
    press(page, "j")
    assert chosen(page) == CARDS[0].name
    press(page, Keys.ESCAPE)
    assert not listed.is_displayed()
    press(page, "j")
    assert chosen(page) == CARDS[1].name


def test_keys_go_to_sections_to_the_search_and_to_the_other_colours(page):
    def top(place):
        return page.execute_script("return arguments[0].getBoundingClientRect().top", sections[place])

    sections = page.find_elements(By.CSS_SELECTOR, "main > section")
    press(page, "nn")
    assert abs(top(1)) < 80
    press(page, "p")
    assert abs(top(0)) < 80
    press(page, "d")
    assert page.find_element(By.ID, "scheme").get_attribute("aria-pressed") == "true"
    press(page, "/", "?")
    assert page.switch_to.active_element.get_attribute("id") == "words"
    assert page.find_element(By.ID, "words").get_attribute("value") == "?"


def test_on_a_page_without_sentences_only_its_own_keys_are_listed(chromium, tmp_path):
    path = tmp_path / "bare.html"
    path.write_text(render(replace(PAGE, sentences=())), "utf-8")
    chromium.get(path.as_uri())
    press(chromium, "?")
    listed = chromium.find_element(By.ID, "keys")
    assert {key.text for key in listed.find_elements(By.TAG_NAME, "kbd")} == {"n", "p", "d", "?", "Esc"}


def test_the_tab_key_reaches_all_controls_and_shows_where_it_is(page):
    wanted = {"scheme", "language", "system", "words", *CONDITIONS, "next", "matches", "all-labels"}
    reached, links = set(), set()
    for _ in range(80):
        press(page, Keys.TAB)
        element = page.switch_to.active_element
        assert page.execute_script("return getComputedStyle(arguments[0]).outlineStyle", element) != "none"
        reached.add(element.get_attribute("id"))
        links.add(element.get_dom_attribute("href"))
        if wanted <= reached:
            break
    assert wanted <= reached
    assert {"#section-1", "#sentences"} <= links


def test_the_skip_link_comes_first_and_leads_to_the_results(page):
    press(page, Keys.TAB)
    assert page.switch_to.active_element.text == "Skip to the results"
    press(page, Keys.ENTER)
    assert page.switch_to.active_element.get_attribute("id") == "main"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_stand_out_from_their_background(page, scheme):
    prefer(page, scheme)
    page.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.find_element(By.ID, "all-labels").click()
    found = page.execute_script(CONTRASTS)
    tags = {tag for _, tag, _ in found}
    assert {"text", "TD", "TH", "P", "A", "LABEL", "BUTTON", "SPAN"} <= tags
    assert found[0][0] >= 4.5, found[:5]


def test_the_dark_scheme_changes_page_and_drawings_and_the_button_changes_both_back(page):
    def colours():
        return (
            colour(page, "body", "backgroundColor"),
            colour(page, "svg text", "fill"),
            colour(page, "svg use", "stroke"),
        )

    light = colours()
    prefer(page, "dark")
    dark = colours()
    assert all(one != other for one, other in zip(light[:2], dark[:2], strict=True))
    button = page.find_element(By.ID, "scheme")
    WebDriverWait(page, 30).until(lambda _: button.get_attribute("aria-pressed") == "true")  # is told of the change
    button.click()
    assert colours() == light
    assert button.get_attribute("aria-pressed") == "false"
    button.send_keys(Keys.SPACE)
    assert colours() == dark


@pytest.mark.parametrize("system", [SYSTEMS[0], SYSTEMS[3]])
def test_a_sentence_shows_what_is_known_and_marks_what_differs(page, system):
    place = next(
        place
        for place, card in enumerate(CARDS)
        if CONDITIONS["student-gold"](card, system) and CONDITIONS["student-teacher"](card, system)
    )
    card = CARDS[place]
    Select(page.find_element(By.ID, "system")).select_by_visible_text(system)
    page.find_element(By.CSS_SELECTOR, f"#matches li:nth-child({place + 1})").click()
    rows = page.execute_script(
        "return [...document.querySelectorAll('.sentence tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    assert [row[0] for row in rows] == list(card.tokens)
    assert [row[1] for row in rows] == list(card.gold)
    teacher, student = card.paths[0].labels, card.predictions[system]
    for row, gold, best, label in zip(rows, card.gold, teacher, student, strict=True):
        assert row[2] == label + " ≠G" * (label != gold) + " ≠T" * (label != best)
        assert row[3] == best + " ≠G" * (best != gold)
    for rank, path in enumerate(card.paths[1:], 4):
        assert [row[rank] for row in rows] == list(path.labels)
    heads = page.find_element(By.CSS_SELECTOR, ".sentence thead").text
    assert all(f"p {path.probability:.4f}" in heads and f"w {path.weight:.4f}" in heads for path in card.paths)


def test_the_heat_map_has_every_label_on_demand_and_each_cell_its_percentage(page):
    card = CARDS[0]
    heat = "return [...document.querySelectorAll('.heat')].map((cell) => cell.title)"
    reaching = [place for place in range(len(card.labels)) if max(row[place] for row in card.posteriors) >= 0.01]
    assert len(page.execute_script(heat)) == len(reaching) * len(card.tokens)
    page.find_element(By.ID, "all-labels").click()
    expected = [
        f"{token}: {label} {round(1000 * share) / 10:.1f}%"
        for token, row in zip(card.tokens, card.posteriors, strict=True)
        for label, share in zip(card.labels, row, strict=True)
    ]
    assert page.execute_script(heat) == expected


@pytest.mark.parametrize(("language", "direction"), [("he", "rtl"), ("fa", "rtl"), ("en", "ltr")])
def test_words_are_read_in_their_own_direction(page, language, direction):
    Select(page.find_element(By.ID, "language")).select_by_visible_text(language)
    for selector in ("#sentence h3", "#matches .words", ".sentence tbody th"):
        assert colour(page, selector, "direction") == direction


def test_a_sentence_of_which_little_is_known_is_shown(chromium, tmp_path):
    bare = replace(CARDS[0], gold=None, paths=(), posteriors=(), predictions={})
    path = tmp_path / "bare.html"
    path.write_text(render(Page("bare", "", (), sentences=(bare,))), "utf-8")
    chromium.get(path.as_uri())
    rows = chromium.find_elements(By.CSS_SELECTOR, ".sentence tbody tr")
    assert [row.text for row in rows] == [f"{token} - -" for token in bare.tokens]
    chromium.find_element(By.ID, "student-gold").click()
    assert matches(chromium) == []
    assert chromium.get_log("browser") == []


def test_hostile_words_are_shown_as_they_are(chromium, tmp_path):
    path = tmp_path / "hostile.html"
    path.write_text(render(Page("p", "", (), sentences=tuple(map(hostile_card, HOSTILE)))), "utf-8")
    chromium.get(path.as_uri())
    assert matches(chromium) == list(HOSTILE)
    for word in HOSTILE:
        shown = chromium.execute_script("return document.querySelector('.sentence tbody th').textContent")
        assert shown == word
        chromium.find_element(By.ID, "next").click() if word != HOSTILE[-1] else None
    assert chromium.get_log("browser") == []


# The smallest text of the drawing of a figure, in pixels.
TEXT_SIZE = """
const svg = [...document.querySelectorAll("figure")[arguments[0]].querySelectorAll("svg")]
  .find((one) => one.checkVisibility());
const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
const sizes = [...svg.querySelectorAll("text")].map((text) => parseFloat(getComputedStyle(text).fontSize));
return scale * Math.min(...sizes);
"""


@pytest.fixture
def phone(page):
    """The example on a phone, with all numbers open."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.refresh()
    page.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    WebDriverWait(page, 30).until(lambda _: page.find_elements(By.CSS_SELECTOR, "details .wide"))
    yield page
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_narrow_page_never_scrolls_sideways_as_a_whole(phone):
    assert phone.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [390, 832, 833, 1280])
def test_one_drawing_of_each_chart_is_shown_and_whole(phone, width):
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    phone.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    shown = phone.execute_script(
        "return [...document.querySelectorAll('figure')].map((one) => [...one.querySelectorAll('svg')]"
        ".filter((svg) => svg.checkVisibility()).map((svg) => svg.getBoundingClientRect().toJSON()))"
    )
    sizes = [one for (one,) in shown]
    assert len(sizes) == sum(len(section.charts) for section in PAGE.sections)
    assert all(0 <= one["left"] < one["right"] <= width for one in sizes)
    viewed = [phone.execute_script(TEXT_SIZE, place) for place in range(len(sizes))]
    assert min(viewed) >= 10


def test_what_is_wider_than_a_phone_stands_in_a_box_that_says_that_it_scrolls(phone):
    boxes = """
    const cut = (box) => box.scrollWidth - box.clientWidth > 1;
    const told = (box) => getComputedStyle(box, "::before").content.includes("scroll") && box.tabIndex === 0;
    const boxes = [...document.querySelectorAll(".scroll")];
    return boxes.map((box) => [cut(box), told(box), box.classList.contains("more")]);
    """
    found = phone.execute_script(boxes)
    assert any(cut for cut, _, _ in found)
    assert all(cut == told == more for cut, told, more in found)


def test_the_edge_is_plain_when_everything_at_the_right_was_seen(phone):
    box = phone.find_element(By.CSS_SELECTOR, ".scroll.more")
    phone.execute_script("arguments[0].scrollLeft = arguments[0].scrollWidth", box)
    WebDriverWait(phone, 30).until(lambda _: "more" not in box.get_attribute("class").split())
    assert "wide" in box.get_attribute("class").split()
