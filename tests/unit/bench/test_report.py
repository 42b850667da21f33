import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import goals, report
from bench.results import FLAT, OURS, Results
from bench.sample import Sample
from tests.support.counts import Counts


def sample(wall: float, **extra: float) -> Sample:
    counts = Counts(cluster=["get /version"], connections=2)
    return Sample(begun=0, wall=wall, cpu=wall / 2, memory=1 << 20, counts=counts, extra=extra)


def document(*, failed: bool = False) -> dict[str, Any]:
    results = Results()
    for ours, flat in ((1.0, 2.0), (3.0, 4.0), (5.0, 4.0)):
        results.add("preview of nothing", OURS, sample(ours))
        results.add("preview of nothing", FLAT, sample(flat))
    results.add("image-only up", OURS, sample(4, **{"after ready": 0.9}))
    results.facts["requests"] = {"one": {"failed": 0}}
    section = {"title": "Alone", "failed": failed, "seconds": 9, "load before": 0.1, **results.document()}
    return {
        "day": "2026-11-26",
        "host": {"cores": 2, "processor": "x", "memory in GiB": 24, "kernel": "6.1"},
        "versions": {"Helm": "v4"},
        "sandbox": {"warm": {"median": 30.0}},
        "sections": {"application": section},
    }


def rows(of: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {what: (shown, reached) for what, _, shown, reached in goals.rows(of)}


def test_a_ratio_is_the_median_of_the_pairs() -> None:
    found = rows(document())
    assert found["preview of nothing, the application alone, against the flat program, time"] == ("0.75 times", "yes")


def test_a_goal_that_is_not_reached_or_not_measured_is_said_to_be() -> None:
    found = rows(document())
    assert found["from the moment the cluster is ready until `up` has ended"] == ("0.90 s", "**no**")
    assert found["cold `make up`"] == ("not measured", "")


def test_a_section_that_failed_is_named_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    report.print_table(document(failed=True))
    assert "### Alone FAILED" in capsys.readouterr().out


def test_what_was_measured_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "performance").mkdir()
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nwhat was there\n{report.END}\nafter\n")
    for _ in range(2):
        report.write(json.loads(json.dumps(document())), tmp_path)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "what was there" not in text
    assert text.count("### Alone") == 1
    (plot,) = (tmp_path / "performance").iterdir()
    drawn = ElementTree.fromstring(plot.read_text())  # noqa: S314 - written above
    bars = [element for element in drawn.iter() if element.tag.endswith("rect")]
    # The background, two for the previews and one for the change.
    assert len(bars) == 4
