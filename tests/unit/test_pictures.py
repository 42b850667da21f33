"""The pictures of README and docs: there, small, and harmless."""

import re
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from tests.support.project import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLOTS = sorted((ROOT / "docs" / "performance").glob("*.svg"))
"""Written by `make bench`."""
DRAWN = sorted((ROOT / "docs" / "images").iterdir())
PICTURES = [*DRAWN, *PLOTS]
SVG = "{http://www.w3.org/2000/svg}"


def test_every_picture_that_a_page_shows_is_there_and_every_one_is_shown() -> None:
    shown = {
        (page.parent / path).resolve()
        for page in PAGES
        for path in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text())
    }
    assert shown == set(PICTURES)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small(picture: Path) -> None:
    assert picture.stat().st_size < 100_000


@pytest.mark.parametrize("picture", [path for path in PICTURES if path.suffix == ".svg"], ids=lambda path: path.name)
def test_a_drawing_is_for_light_and_dark_and_says_what_it_shows(picture: Path) -> None:
    root = parse(picture).getroot()  # noqa: S314 - the project's own
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    style = root.find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme: dark" in (style.text or "")
    assert {item.tag.removeprefix(SVG) for item in root.iter()}.isdisjoint({"script", "image", "foreignObject"})


@pytest.mark.parametrize("picture", [path for path in DRAWN if path.suffix == ".svg"], ids=lambda path: path.name)
def test_no_text_of_a_drawing_runs_out_of_its_box(picture: Path) -> None:
    root = parse(picture).getroot()  # noqa: S314 - the project's own
    boxes = [[float(box.attrib[key]) for key in ("x", "y", "width", "height")] for box in root.iter(f"{SVG}rect")]
    for text in root.iter(f"{SVG}text"):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        width = len(text.text or "") * (7.7 if text.attrib["class"] == "h" else 6.2)
        inside = [box for box in boxes if box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]]
        assert inside, text.text
        assert x + width <= min(box[0] + box[2] for box in inside) + 6, text.text
