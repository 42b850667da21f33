"""The data as tables: in the terminal, and in docs/performance.md with its plots."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import goals, plots

PAGE = "performance.md"
BEGIN, END = "<!-- measured: written by `make bench` -->", "<!-- measured: end -->"
_COUNTS = ("cluster", "gitlab", "registry", "connections", "commands")
_HEAD = ("Subject", "With", "s", "CPU-s", "MiB", "API / GitLab / registry", "ssh / commands", "Ratio s", "CPU", "Runs")
_GOALS_HEAD = ("To reach", "At most", "Measured", "Reached")


def print_table(document: Mapping[str, Any]) -> None:
    """Prints what was measured."""
    for line in _tables(document):
        print(line)


def write(document: Mapping[str, Any], docs: Path) -> None:
    """Writes the measured part of the page, and the plots beside the data."""
    page = docs / PAGE
    text = page.read_text(encoding="utf-8")
    measured = "\n".join([BEGIN, "", *_tables(document), "", *_images(document, docs), END])
    pattern = f"{re.escape(BEGIN)}.*?{re.escape(END)}"
    page.write_text(re.sub(pattern, lambda _: measured, text, count=1, flags=re.DOTALL), encoding="utf-8")


def _tables(document: Mapping[str, Any]) -> Iterator[str]:
    host = document["host"]
    yield (
        f"Measured on {document['day']}: {host['cores']} cores ({host['processor']}), {host['memory in GiB']} GiB, "
        f"Linux {host['kernel']}. " + ", ".join(f"{name} {value}" for name, value in document["versions"].items()) + "."
    )
    yield ""
    yield from _table(_GOALS_HEAD, goals.rows(document))
    for section in document["sections"].values():
        failed = " FAILED" if section["failed"] else ""
        yield ""
        yield f"### {section['title']}{failed}"
        yield ""
        yield f"{section['seconds']} s in all; load of the machine before: {section['load before']}."
        yield ""
        rows = [
            _row(subject, contender, found)
            for subject, contenders in section["subjects"].items()
            for contender, found in contenders.items()
        ]
        yield from _table(_HEAD, rows)
        yield from _facts(section["facts"])
    warm, cold = document["sandbox"].get("warm"), document["sandbox"].get("cold")
    yield ""
    yield f"The sandbox starts in {warm['median']:.0f} s with its tools built" + (
        f"; from nothing `make up` takes {cold['cpu']:.0f} CPU-seconds." if cold else "."
    )


def _row(subject: str, contender: str, found: Mapping[str, Any]) -> Sequence[str]:
    # What another module has measured has neither.
    is_counted = bool(found["memory"]["median"])
    counts = [str(found["counts"][name]) if is_counted else "" for name in _COUNTS]
    of_time = found.get("ratio", {}).get("wall", {}).get("median")
    of_cpu = found.get("ratio", {}).get("cpu", {}).get("median")
    extra = "".join(
        f"; {name} {found[name]['median']:.1f}"
        for name in found
        if isinstance(found[name], Mapping) and name not in {"wall", "cpu", "memory", "counts", "ratio", "applications"}
    )
    return (
        f"{subject}{extra}",
        contender,
        _spread(found["wall"]),
        _spread(found["cpu"]),
        f"{found['memory']['median']:.0f}" if is_counted else "",
        " / ".join(counts[:3]).strip(" /"),
        " / ".join(counts[3:]).strip(" /"),
        f"{of_time:.2f}" if of_time else "",
        f"{of_cpu:.2f}" if of_cpu else "",
        str(found["runs"]),
    )


def _spread(found: Mapping[str, float]) -> str:
    if found["min"] == found["max"]:
        return f"{found['median']:.2f}"
    return f"{found['median']:.2f} ({found['min']:.2f} to {found['max']:.2f})"


def _facts(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, fact in facts.items():
        yield ""
        if isinstance(fact, Mapping):
            yield f"{name[:1].upper()}{name[1:]}:"
            yield ""
            for of, value in fact.items():
                shown = (
                    ", ".join(f"{key}: {one}" for key, one in value.items()) if isinstance(value, Mapping) else value
                )
                yield f"- {of}: {shown}"
        else:
            yield f"{name[:1].upper()}{name[1:]}: {fact}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"

    yield line(head)
    yield f"| {' | '.join('-' * width for width in widths)} |"
    yield from map(line, rows)


def _images(document: Mapping[str, Any], docs: Path) -> Iterator[str]:
    for name, title, drawing in plots.draw(document):
        (docs / "performance" / f"{name}.svg").write_text(drawing, encoding="utf-8")
        yield f"![{title}](performance/{name}.svg)"
        yield ""
