"""docs/security.md names tests that exist, and says what it has to wherever a reader looks for it."""

import re

import pytest

from tests.support.project import ROOT

DOCS = ROOT / "docs"
TEXT = (DOCS / "security.md").read_text()
ROWS = re.findall(r"(?m)^\| (?!asset )(.+) \|$", TEXT)


def defined(folder: str) -> set[str]:
    """The tests below a folder."""
    return {
        name
        for path in (ROOT / folder).rglob("test_*.py")
        for name in re.findall(r"(?m)^(?:async )?def (test_\w+)\(", path.read_text())
    }


def test_each_row_names_a_test_of_the_attack_or_says_there_is_none() -> None:
    assert ROWS
    attacks = defined("tests/adversary")
    for row in ROWS:
        assert len(row.split(" | ")) == 6, row
        last = row.rpartition(" | ")[2]
        assert attacks & set(re.findall(r"`(test_\w+)`", last)) or "no test" in last, row


def test_each_test_that_the_security_table_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert named
    assert named - defined("tests") == set()


@pytest.mark.parametrize("page", ["operations.md", "gitlab.md"])
def test_a_rotation_as_a_remedy_comes_with_what_it_does_not_end(page: str) -> None:
    paragraphs = [text for text in (DOCS / page).read_text().split("\n\n") if re.search("leaked|in a log", text)]
    remedies = [" ".join(text.split()) for text in paragraphs if re.search("rotat", text)]
    assert remedies
    for text in remedies:
        assert re.search(r"`ops verify`,? (?:which )?lists", text), text


@pytest.mark.parametrize(
    "said",
    [
        "A merge request's job can read",
        "Masking is no boundary",
        "The group docker is root",
        "`-v=9` logs everything",
        "A role Maintainer can do all of this",
    ],
)
def test_what_nothing_stops_is_said_plainly(said: str) -> None:
    _, _, plainly = TEXT.partition("## Said plainly\n")
    assert f"**{said}" in plainly
