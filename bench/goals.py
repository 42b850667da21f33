"""What is to be reached, and what was measured of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.docker import COMPOSE_UP, COMPOSE_WAIT
from bench.results import FLAT, OURS

KUBECTL, HELM = "kubectl apply + rollout status", "helm upgrade --wait"


class NotMeasuredError(Exception):
    """The data has no such figure."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A limit, and where in the data the figure is that it is for."""

    what: str
    most: float
    unit: str
    """`times`, `s` or `CPU-s`."""
    figure: Callable[["Data"], float]


class Data:
    """The data file."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def figure(self, section: str, subject: str, contender: str, *names: str) -> float:
        """One figure of a contender, its median if it has one."""
        return self.value("sections", section, "subjects", subject, contender, *names)

    def ratio(self, section: str, subject: str, rival: str, of: str = "wall") -> float:
        """How many times as much as the rival this project takes."""
        return self.figure(section, subject, rival, "ratio", of)

    def value(self, *path: str) -> float:
        """A number of the document, or the median of one; NotMeasuredError if it is not there."""
        found: Any = self._document
        for name in path:
            if not isinstance(found, Mapping) or name not in found:
                raise NotMeasuredError
            found = found[name]
        return float(found["median"] if isinstance(found, Mapping) else found)


def _ratio(section: str, subject: str, rival: str, of: str = "wall") -> Callable[[Data], float]:
    return lambda data: data.ratio(section, subject, rival, of)


def _figure(section: str, subject: str, *names: str) -> Callable[[Data], float]:
    return lambda data: data.figure(section, subject, OURS, *names)


def _against_flat() -> list[Goal]:
    parts = (("whole", "the whole stack"), ("application", "the application alone"))
    subjects = (("preview of nothing", "preview of nothing"), ("image-only up", "image-only up"))
    return [
        Goal(
            what=f"{title}, {part}, against the flat program, {'CPU' if of == 'cpu' else 'time'}",
            most=1.0,
            unit="times",
            figure=_ratio(section, subject, FLAT, of),
        )
        for section, part in parts
        for subject, title in subjects
        for of in ("wall", "cpu")
    ]


def _first_up(data: Data) -> float:
    """Beside pulling, which `kubectl apply` + `rollout status` waits for as well."""
    subject = "first up"
    return data.figure("application", subject, OURS, "wall") - data.figure("application", subject, KUBECTL, "wall")


def _per_application(what: str, layout: str) -> Callable[[Data], float]:
    return lambda data: data.value(
        "sections", "applications-300", "facts", f"per application at 300 against 30, {layout}", what
    )


GOALS = [
    *_against_flat(),
    Goal(
        what="image-only up, the application alone, against kubectl",
        most=2.0,
        unit="times",
        figure=_ratio("application", "image-only up", KUBECTL),
    ),
    Goal(
        what="image-only up, the application alone, against helm",
        most=1.0,
        unit="times",
        figure=_ratio("application", "image-only up", HELM),
    ),
    Goal(
        what="from the moment the cluster is ready until `up` has ended",
        most=0.5,
        unit="s",
        figure=_figure("application", "image-only up", "after ready"),
    ),
    Goal(
        what="image-only up on a Docker host against compose",
        most=1.3,
        unit="times",
        figure=_ratio("docker", "image-only up", COMPOSE_UP),
    ),
    Goal(
        what="image-only up on a Docker host against compose --wait",
        most=1.0,
        unit="times",
        figure=_ratio("docker", "image-only up", COMPOSE_WAIT),
    ),
    *(
        Goal(
            what=f"image-only up on a Docker host, against the flat program, {title}",
            most=1.0,
            unit="times",
            figure=_ratio("docker", "image-only up", FLAT, of),
        )
        for title, of in (("time", "wall"), ("CPU", "cpu"))
    ),
    Goal(
        what="first up of the application beside what kubectl takes, which is mostly the image and the Pods",
        most=6.0,
        unit="s",
        figure=_first_up,
    ),
    Goal(
        what="from the cluster's word that an image does not exist until it is reported",
        most=5.0,
        unit="s",
        figure=_figure("broken", "image that does not exist", "after the cluster's word"),
    ),
    *(
        Goal(
            what=f"{title}, {layout}",
            most=1.3,
            unit="times",
            figure=_per_application(what, layout),
        )
        for layout in ("a namespace each", "all in one namespace")
        for what, title in (
            ("preview", "preview of nothing, time for each of 300 applications against each of 30"),
            ("up", "up, time for each of the last 10 of 300 applications against the last 10 of 30"),
        )
    ),
    Goal(
        what="cold `make up`",
        most=1200,
        unit="CPU-s",
        figure=lambda data: data.value("sandbox", "cold", "cpu"),
    ),
]


def rows(document: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Goal, limit, figure, and whether it is reached."""
    data = Data(document)
    found = []
    for goal in GOALS:
        limit = f"{goal.most:g} {goal.unit}"
        try:
            figure = goal.figure(data)
        except NotMeasuredError:
            found.append((goal.what, limit, "not measured", ""))
            continue
        # What is shown is what counts: two digits of a ratio are more than two runs agree on.
        shown = f"{figure:.2f}" if goal.most < 100 else f"{figure:.0f}"
        found.append((goal.what, limit, f"{shown} {goal.unit}", "yes" if float(shown) <= goal.most else "**no**"))
    return found
