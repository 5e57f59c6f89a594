import math
import re
from xml.etree import ElementTree

from studio.share.report.drawing import MOST_POINTS, WIDTH, Mark, Series, curves, pairs, thin, whiskers

HOSTILE = '<script>alert("x")</script>&"'


def svg_of(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", markup, re.S).group())


def test_a_curve_lies_where_its_values_are():
    drawn = svg_of(curves([Series("loss", [(0, 4.0), (10, 0.0)], "c1")], "Step", "Loss"))
    (first, last) = [tuple(map(float, pair.split(","))) for pair in drawn.find("polyline").get("points").split()]
    assert first[0] < last[0] <= WIDTH
    assert first[1] < last[1]  # SVG counts downwards: the loss falls
    assert {text.text for text in drawn.iter("text")} >= {"0", "4", "10", "Step"}
    assert "loss from 4 at 0 to 0 at 10" in drawn.get("aria-label")


def test_every_text_is_escaped():
    drawn = curves([Series(HOSTILE, [(0, 1.0), (1, 2.0)], "c1")], HOSTILE, HOSTILE)
    drawn += whiskers([Mark(HOSTILE, HOSTILE, 0.5, 0.4, 0.6, "c1")]) + pairs([HOSTILE], [1], [2], (HOSTILE, HOSTILE))
    assert "<script" not in drawn
    assert "&lt;script" in drawn


def test_odd_values_draw_too():
    assert curves([Series("none", [], "c1")], "Step", "Loss") == ""
    assert curves([Series("nan", [(1, math.nan)], "c1")], "Step", "Loss") == ""
    for points in ([(5, 3.0)], [(0, 0.0), (1, 0.0)], [(0, 1e-9), (9, 1e9)], [(0, 1.0), (1, math.inf), (2, 2.0)]):
        drawn = svg_of(curves([Series("loss", points, "c1")], "Step", "Loss"))
        assert not re.search("nan|inf", drawn.find("polyline").get("points"))
    svg_of(whiskers([Mark("a", "1", 1.0, 1.0, 1.0, "c1")]))
    svg_of(pairs(["a"], [0], [0], ("x", "y")))


def test_long_curves_are_thinned_by_means():
    points = [(step, float(step % 2)) for step in range(10_000)]
    few = thin(points)
    assert len(few) == MOST_POINTS
    assert few[-1][0] == 9_999
    assert all(abs(value - 0.5) < 0.1 for _, value in few)


def test_whiskers_stay_inside_and_in_order():
    drawn = svg_of(whiskers([Mark("a", "", 0.2, 0.1, 0.3, "c1"), Mark("b", "", 0.9, 0.8, 1.0, "c2")], low=0, high=1))
    (a, b) = [float(circle.get("cx")) for circle in drawn.iter("circle")]
    assert 0 < a < b < 260
