"""Charts alone: every name and number is there, the same bytes every time, and nobody needs to see colours."""

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example as also
from hypothesis import given
from hypothesis import strategies as st

from structkd.pipeline.report.page.charts import (
    Bar,
    Bars,
    Bin,
    Cost,
    Costs,
    Curve,
    Difference,
    Differences,
    Estimate,
    Line,
    Lines,
    Panel,
    Point,
    Reliability,
    system_names,
)
from structkd.pipeline.report.page.drawing.style import DARK, INK, MUTED, PAPER, SERIES, looks
from structkd.pipeline.report.page.errors import PageError
from structkd.pipeline.report.page.numbers import duration, numbers, size
from structkd.pipeline.report.page.plots import inline_svg, png, svg
from tests.examples import examples
from tests.pipeline.page.example import example

ROOT = Path(__file__).parents[3]
CHARTS = [chart for section in example(5).sections for chart in section.charts]
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=16)
VALUES = st.floats(-1e6, 1e6)


def texts(drawing):
    return {
        element.text for element in ElementTree.fromstring(drawing).iter() if element.tag.rpartition("}")[2] == "text"
    }


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: type(chart).__name__)
def test_a_drawing_is_well_formed_and_names_itself_and_loads_nothing(chart):
    drawing = svg(chart)
    root = ElementTree.fromstring(drawing)
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", f"{chart.title} (chart)")
    assert re.findall(r"\w+://[^\"]*", drawing) == ["http://www.w3.org/2000/svg"]
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)', drawing))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: type(chart).__name__)
def test_a_narrow_drawing_has_the_same_texts_except_for_places_on_its_axes(chart):
    wide, narrow = (inline_svg(chart, narrow=narrow) for narrow in (False, True))
    words = [{text for text in map(str.strip, texts(one)) if re.search("[^0-9.]", text)} for one in (wide, narrow)]
    assert words[0] == words[1]
    sizes = [ElementTree.fromstring(one).attrib["viewBox"].split()[2] for one in (wide, narrow)]
    assert [round(float(size)) for size in sizes] == [518, 252]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: type(chart).__name__)
def test_every_colour_of_a_drawing_has_a_dark_twin(chart):
    drawings = [svg(chart), inline_svg(chart, narrow=True)]
    elements = [element for drawing in drawings for element in ElementTree.fromstring(drawing).iter()]
    found = {element.attrib.get(what) for element in elements for what in ("fill", "stroke")}
    assert found - {None, "none"} <= set(DARK)


@examples(15)
@given(st.lists(st.tuples(NAMES, st.lists(VALUES, max_size=3)), min_size=1, max_size=5, unique_by=lambda pair: pair[0]))
@also([("0", [-0.0])])
def test_bars_show_every_system_and_have_every_value_in_the_table(bars):
    chart = Bars("bars", "gap", ("task",), tuple(Bar(name, (tuple(values),)) for name, values in bars))
    assert {name for name, _ in bars} <= texts(svg(chart))
    for (name, values), row in zip(bars, numbers(chart).rows, strict=True):
        assert row[0] == name
        assert all(f"{value:z.1f}" in row[1] for value in values)


def test_the_interval_of_a_bar_is_drawn_and_stands_in_the_table():
    bare = Bars("gap", "", ("a", "b"), (Bar("exact", ((10.0, 20.0), (5.0,))),))
    known = Bars("gap", "", ("a", "b"), (Bar("exact", ((10.0, 20.0), (5.0,)), ((-3.0, 40.5), None)),))
    assert numbers(known).rows == (("exact", "15.0 (10.0, 20.0) [-3.0, 40.5]", "5.0"),)
    assert svg(known).count("<path") > svg(bare).count("<path")


@examples(15)
@given(st.lists(NAMES, min_size=1, max_size=5, unique=True), st.lists(VALUES, min_size=1, max_size=4), st.booleans())
def test_lines_show_every_system_whatever_it_is_called(names, values, log_x):
    points = tuple(Point(2.0**place, (value, value + 1)) for place, value in enumerate(values))
    chart = Lines("lines", "K", "F1", tuple(Line(name, points) for name in names), log_x)
    assert set(names) <= texts(svg(chart))
    assert len(numbers(chart).rows) == len(names) * len(values)


@examples(15)
@given(st.lists(NAMES, min_size=1, max_size=5, unique=True), st.lists(st.none() | VALUES, min_size=1, max_size=4))
def test_differences_show_every_system_and_language(names, values):
    languages = tuple(f"language {place}" for place in range(len(values)))
    estimates = tuple(None if value is None else Estimate(value, (value - 1, value + 1)) for value in values)
    chart = Differences("d", "points", languages, tuple(Difference(name, estimates, Estimate(0.0)) for name in names))
    assert {*names, *languages, "mean"} <= texts(svg(chart))
    assert all(row[1:-1].count("-") == values.count(None) for row in numbers(chart).rows)


def test_costs_write_their_numbers_at_the_bars():
    chart = Costs("cost", (Cost("teach", 4000.0, 2_000_000_000, 12_000), Cost("evaluate", None, None, None)))
    assert {"teach", "1 h 6 min", "2 GB", "12 kB", "evaluate", "-"} <= texts(svg(chart))


def test_a_reliability_diagram_tells_the_expected_calibration_error():
    curve = Curve("unseen", (Bin(0.5, 0.4, 30), Bin(0.9, 1.0, 10)))
    assert curve.calibration_error == pytest.approx(0.1)
    assert {"en", "ECE 10.0%, unseen"} <= texts(svg(Reliability("r", (Panel("en", (curve,)),))))


@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_each_column_of_panels_has_the_numbers_of_its_axis(count):
    curve = Curve("unseen", (Bin(0.5, 0.4, 30),))
    chart = Reliability("r", tuple(Panel(f"language {place}", (curve,)) for place in range(count)))
    found = [element.text for element in ElementTree.fromstring(svg(chart)).iter() if element.tag.endswith("}text")]
    rows = -(-count // 4)
    assert found.count("0.5") == min(count, 4) + rows


@pytest.mark.parametrize(
    "chart",
    [
        Bars("b", "", (), ()),
        Lines("l", "", "", ()),
        Differences("d", "", (), ()),
        Costs("c", ()),
        Reliability("r", ()),
    ],
    ids=lambda chart: type(chart).__name__,
)
def test_a_chart_of_nothing_is_drawn_as_nothing(chart):
    assert svg(chart)
    assert inline_svg(chart, narrow=True)
    assert numbers(chart).rows == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bars("gap", "", ("a", "b"), (Bar("top-k", ((1.0,),)),)), "'gap', top-k: 1 values for 2 groups"),
        (
            lambda: Bars("gap", "", ("a", "b"), (Bar("top-k", ((), ()), (None,)),)),
            "'gap', top-k: 1 values for 2 groups",
        ),
        (lambda: Differences("d", "", ("en",), (Difference("exact", (), None),)), "exact: 0 values for 1 languages"),
        (lambda: Line("exact", (Point(1, ()),)), "'exact': a point without a value"),
        (lambda: Lines("K", "", "", (Line("a", (Point(0, (1.0,)),)),), log_x=True), "'K': 0 on a logarithmic axis"),
    ],
)
def test_what_does_not_fit_is_an_error(make, message):
    with pytest.raises(PageError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("name", ["_private", "__", "$x$", "a_b", "<b>"])
def test_a_name_that_the_plotting_library_reads_otherwise_is_a_name(name):
    lines = Lines("l", "", "", (Line(name, (Point(1, (2.0,)),)),))
    differences = Differences("d", "", ("en",), (Difference(name, (Estimate(1.0),), None),))
    assert all(name in texts(svg(chart)) for chart in (lines, differences))


def test_a_system_looks_alike_in_every_chart_of_the_same_systems():
    order = ("baseline", "top-k", "exact")
    line = Line("exact", (Point(1, (2.0,)), Point(2, (3.0,))))
    drawing = ElementTree.fromstring(svg(Lines("l", "", "", (line,)), order))
    assert {element.attrib.get("stroke") for element in drawing.iter()} & set(SERIES) == {SERIES[2]}


def test_a_picture_is_the_same_every_time(tmp_path):
    for name in ("one.png", "two.png"):
        png(CHARTS[0], tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    assert one.startswith(b"\x89PNG")


def test_a_drawing_is_the_same_in_another_process():
    code = "from tests.pipeline.page.test_charts import CHARTS, svg; print(''.join(map(svg, CHARTS)), end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(map(svg, CHARTS))


def test_without_the_extra_the_error_says_what_to_install():
    code = """
import sys
sys.modules["matplotlib"] = None
from structkd.pipeline.report.page.charts import Costs
from structkd.pipeline.report.page.plots import svg
svg(Costs("cost", ()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'structkd[report]'" in done.stderr


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.25, "0.25 s"), (59.9, "59.9 s"), (60, "1 min 0 s"), (3599.6, "1 h 0 min")]
)
def test_durations_are_written_in_units_that_people_read(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_999, "1 MB"), (2.5e12, "2.5 TB")]
)
def test_sizes_are_written_in_units_that_people_read(count, text):
    assert size(count) == text


# Colour blindness at full severity, on linear RGB (Machado et al., 2009), and OKLab (Ottosson, 2020).
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_LMS = np.array([[0.412221, 0.536333, 0.051446], [0.211903, 0.680700, 0.107397], [0.088302, 0.281719, 0.629979]])
TO_LAB = np.array([[0.210454, 0.793618, -0.004072], [1.977998, -2.428592, 0.450594], [0.025904, 0.782772, -0.808676]])
SCHEMES = {"light": dict(zip(DARK, DARK, strict=True)), "dark": DARK}


def linear(colour):
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("vision", VISION)
def test_the_colours_of_series_can_be_told_apart(scheme, vision):
    seen = [np.clip(np.array(VISION[vision]) @ linear(SCHEMES[scheme][colour]), 0, 1) for colour in SERIES]
    places = [TO_LAB @ np.cbrt(TO_LMS @ colour) for colour in seen]
    assert min(np.linalg.norm(one - other) for one, other in combinations(places, 2)) > 0.09


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colours_stand_out_from_the_paper(scheme):
    colours = SCHEMES[scheme]
    assert all(contrast(colours[colour], colours[PAPER]) >= 3 for colour in SERIES)
    assert all(contrast(colours[colour], colours[PAPER]) >= 4.5 for colour in (INK, MUTED))


def test_series_are_told_apart_without_colours():
    shapes = [(look.marker, str(look.dashes)) for look in looks(map(str, range(20))).values()]
    assert len(set(shapes)) == 20


def test_names_of_systems_are_those_of_the_drawing():
    assert system_names(CHARTS[0]) == tuple(bar.name for bar in CHARTS[0].bars)
    assert system_names(Costs("c", ())) == ()
