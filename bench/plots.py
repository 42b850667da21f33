"""The data as SVG: bars with the least and the most of each contender, and lines over the number of applications."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LABELS, RIGHT = 760, 250, 60
BAR, GAP, TOP = 16, 6, 44
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2")
_STYLE = (
    "<style>text { fill: #222 } line { stroke: #222 } .page { fill: white } @media (prefers-color-scheme: dark) "
    "{ text { fill: #ddd } line { stroke: #ddd } .page { fill: #161616 } }</style>"
)
_BARS = (
    ("application", "The application alone"),
    ("whole", "The whole stack"),
    ("docker", "The application on a Docker host"),
)
Line = tuple[str, Sequence[tuple[float, float]]]


def draw(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """File name without its suffix, title and content of each plot there is data for."""
    for name, title in _BARS:
        section = document["sections"].get(name)
        if section and section["subjects"]:
            yield name, f"{title}: seconds", bars(f"{title}: seconds, median, least and most", section["subjects"])
    sections = [document["sections"].get(name, {}) for name in ("applications", "applications-300")]
    found = _growth({subject: one for section in sections for subject, one in section.get("subjects", {}).items()})
    if found:
        title = "Preview of nothing: seconds by number of applications"
        yield "applications", title, lines(title, found)


def bars(title: str, subjects: Mapping[str, Mapping[str, Any]]) -> str:
    """A group of bars for each subject, a bar for each contender."""
    most = max(found["wall"]["max"] for contenders in subjects.values() for found in contenders.values())
    names = list(dict.fromkeys(name for contenders in subjects.values() for name in contenders))
    scale = (WIDTH - LABELS - RIGHT) / (most or 1)
    content: list[str] = []
    y = TOP
    for subject, contenders in subjects.items():
        content.append(_text(4, y + BAR - 4, subject, weight="bold"))
        y += BAR + GAP
        for name, found in contenders.items():
            wall = found["wall"]
            colour, middle = COLOURS[names.index(name) % len(COLOURS)], y + BAR / 2
            content += [
                _text(16, y + BAR - 4, name),
                f'<rect x="{LABELS}" y="{y}" width="{wall["median"] * scale:.1f}" height="{BAR}" fill="{colour}"/>',
                _segment(LABELS + wall["min"] * scale, middle, LABELS + wall["max"] * scale, middle),
                _text(LABELS + wall["max"] * scale + 6, y + BAR - 4, f"{wall['median']:.2f}"),
            ]
            y += BAR + GAP
        y += GAP
    return _picture(title, y, content)


def lines(title: str, found: Sequence[Line], height: int = 320) -> str:
    """A line for each name over the same axes, both of which start at nothing."""
    across = max(x for _, points in found for x, _ in points)
    up = max(y for _, points in found for _, y in points)
    left, bottom = 50, height - 40

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x / across * (WIDTH - left - RIGHT), bottom - y / up * (bottom - TOP - 20)

    content = [_segment(left, bottom, WIDTH - RIGHT, bottom), _segment(left, TOP, left, bottom)]
    for number, (name, points) in enumerate(found):
        colour = COLOURS[number]
        placed = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in points)
        content.append(f'<polyline points="{placed}" fill="none" stroke="{colour}" stroke-width="2"/>')
        content.append(_text(left + 12, TOP + 4 + 16 * number, name, colour=colour))
        for point in points:
            x, y = place(*point)
            content.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            content.append(_text(x + 4, y + 14, f"{point[1]:.1f}"))
            content.append(_text(x - 6, bottom + 16, f"{point[0]:g}"))
    return _picture(title, height, content)


def _growth(subjects: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    """The previews of nothing, by layout, over the number of applications."""
    points: dict[str, list[tuple[float, float]]] = {}
    for subject, contenders in subjects.items():
        layout, _, what = subject.partition(", ")[2].partition(": ")
        for found in contenders.values():
            if what == "preview of nothing":
                points.setdefault(layout, []).append((found["applications"]["median"], found["wall"]["median"]))
    return list(points.items())


def _picture(title: str, height: float, content: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" font-size="12">'
    )
    about = f"<title>{escape(title)}</title><desc>The figures are in the tables of performance.md.</desc>{_STYLE}"
    page = f'<rect class="page" width="{WIDTH}" height="{height:.0f}"/>'
    return "\n".join([head, about, page, _text(4, 20, title, weight="bold"), *content, "</svg>", ""])


def _text(x: float, y: float, text: str, *, weight: str = "normal", colour: str | None = None) -> str:
    style = f' style="fill: {colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}"{style}>{escape(text)}</text>'


def _segment(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'
