"""What CONTRIBUTING.md asks for and no linter finds."""

import re
from pathlib import Path

import pytest

from tests.support.project import ROOT, STACKS

LONG = re.compile(r"\bdef (test_\w{75,})\(")
# Phrases that a reader who knows Kubernetes, GitLab and Docker has to translate.
DIALECT = re.compile(
    r"\b(?:is|are|was|were) told\b|\bmends?\b|\bends again and again\b|\bmay only look\b|\brobot account\b"
    r"|\bput up by\b|\blast words\b|\banother mark\b|\bgiven once\b",
    re.IGNORECASE,
)
PROSE = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("templates/*.yml"), *ROOT.glob("examples/*/*.md")]


def test_test_names_have_less_than_80_characters() -> None:
    found = {name for path in (ROOT / "tests").rglob("test_*.py") for name in LONG.findall(path.read_text())}
    assert found == set()


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_uses_the_words_of_the_field(path: Path) -> None:
    text = " ".join(path.read_text().split())
    assert DIALECT.findall(text) == []


@pytest.mark.parametrize("stack", ["prod", "prod-access"])
def test_no_unit_test_reads_the_stack_files_that_users_edit(stack: str) -> None:
    file = ROOT / f"Pulumi.{stack}.yaml"
    assert file.is_file()
    with pytest.raises(AssertionError, match="a unit test reads"):
        file.read_text()
    assert (STACKS / file.name).read_text()
