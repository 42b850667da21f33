"""A stack's resources as a picture: a box for each component, and lines to the boxes that wait for it. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, tostring

from ops.markup import element

_CHARACTER, _LINE, _HEAD = 7.3, 18, 44
"""Width of a character in the fonts of STYLE, heights of a line and of the head of a box."""
_GAP_X, _GAP_Y, _EDGE = 90, 24, 20
_NOT_DRAWN = ("pulumi:pulumi:Stack", "pulumi:providers:")
STYLE = """
text { font: 12px ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; fill: #1f2328 }
.type { fill: #59636e } .name { font-weight: bold; font-size: 13px }
rect { fill: #f6f8fa; stroke: #d1d9e0 } path { fill: none; stroke: #8c959f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .type { fill: #9198a1 } rect { fill: #151b23; stroke: #3d444d } path { stroke: #656c76 } }
"""


@dataclass(kw_only=True)
class Box:
    """A component, or a resource that belongs to none."""

    name: str
    type: str
    resources: list[tuple[str, str]] = field(default_factory=list)
    """Kind and name of each."""
    after: set[str] = field(default_factory=set)
    """URNs of the boxes that it waits for."""

    @property
    def width(self) -> float:
        """Of the box."""
        texts = [self.name, self.type, *(f"{kind} {name}" for kind, name in self.resources)]
        return max(map(len, texts)) * _CHARACTER + 2 * _EDGE

    @property
    def height(self) -> float:
        """Of the box."""
        return _HEAD + len(self.resources) * _LINE + (8 if self.resources else 0)


def draw(exported: str) -> str:
    """The SVG, from what `pulumi stack export` prints. ValueError if it is no state."""
    resources = (json.loads(exported).get("deployment") or {}).get("resources") or []
    boxes = _boxes([item for item in resources if not item["type"].startswith(_NOT_DRAWN) and not item.get("delete")])
    at, x, height = dict[str, tuple[float, float]](), float(_EDGE), 0.0
    for column in _columns(boxes):
        y = float(_EDGE)
        for urn in column:
            at[urn] = (x, y)
            y += boxes[urn].height + _GAP_Y
        x += max(boxes[urn].width for urn in column) + _GAP_X
        height = max(height, y - _GAP_Y + _EDGE)
    size = (f"{max(x - _GAP_X, 0) + _EDGE:.0f}", f"{max(height, 2 * _EDGE):.0f}")
    lines = [_line(boxes[before], at[before], at[urn]) for urn, box in boxes.items() for before in sorted(box.after)]
    drawn = element(
        "svg",
        element("title", "The resources of the stack"),
        element("style", STYLE),
        *lines,
        *(part for urn, box in boxes.items() for part in _box(box, *at[urn])),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {size[0]} {size[1]}",
        width=size[0],
        height=size[1],
    )
    return tostring(drawn, encoding="unicode") + "\n"


def _boxes(resources: Sequence[Mapping[str, Any]]) -> dict[str, Box]:
    """By URN, in the order of the state."""
    known = {item["urn"]: item for item in resources}
    box_of = {urn: _top(item, known) for urn, item in known.items()}
    boxes: dict[str, Box] = {}
    for urn, top in box_of.items():
        item = known[urn]
        box = boxes.setdefault(top, Box(name=_name(top), type=_short(known[top]["type"])))
        if urn != top and item.get("custom"):
            box.resources.append((_short(item["type"]), _name(urn)))
        named = [*(item.get("dependencies") or ()), *(item.get("propertyDependencies") or {}).values()]
        for other in (one for found in named for one in ([found] if isinstance(found, str) else found or ())):
            if box_of.get(other, top) != top:
                box.after.add(box_of[other])
    return boxes


def _top(item: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> str:
    while item.get("parent") in known:
        item = known[item["parent"]]
    return str(item["urn"])


def _columns(boxes: Mapping[str, Box]) -> list[list[str]]:
    """What waits for nothing is in the first one, and each box behind all that it waits for."""
    depth: dict[str, int] = {}
    for _ in boxes:
        for urn, box in boxes.items():
            depth[urn] = max((depth.get(before, 0) + 1 for before in box.after), default=0)
    return [[urn for urn in boxes if depth[urn] == number] for number in sorted(set(depth.values()))]


def _box(box: Box, x: float, y: float) -> Iterator[Element]:
    yield element("rect", x=f"{x:.0f}", y=f"{y:.0f}", width=f"{box.width:.0f}", height=f"{box.height:.0f}", rx="6")
    left = f"{x + _EDGE / 2:.0f}"
    yield element("text", box.name, x=left, y=f"{y + 18:.0f}", class_="name")
    yield element("text", box.type, x=left, y=f"{y + 35:.0f}", class_="type")
    for number, (kind, name) in enumerate(box.resources):
        below = f"{y + _HEAD + 14 + number * _LINE:.0f}"
        yield element("text", element("tspan", f"{kind} ", class_="type"), name, x=left, y=below)


def _line(before: Box, start: tuple[float, float], end: tuple[float, float]) -> Element:
    x, y = start[0] + before.width, start[1] + _HEAD / 2
    middle = (x + end[0]) / 2
    down = end[1] + _HEAD / 2
    return element("path", d=f"M{x:.0f} {y:.0f} C{middle:.0f} {y:.0f} {middle:.0f} {down:.0f} {end[0]:.0f} {down:.0f}")


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _short(type_: str) -> str:
    return type_.rpartition(":")[2]
