"""docs/security.md names tests that exist."""

import re

from tests.support.project import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text()
ROWS = re.findall(r"(?m)^\| (?!asset )(.+) \|$", TEXT)


def test_each_row_of_the_security_table_names_its_test_or_says_there_is_none() -> None:
    assert ROWS
    for row in ROWS:
        assert len(row.split(" | ")) == 6, row
        assert re.search(r"`test_\w+`|no test", row.rpartition(" | ")[2]), row


def test_each_test_that_the_security_table_names_exists() -> None:
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"(?m)^(?:async )?def (test_\w+)\(", path.read_text())
    }
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert named
    assert named - defined == set()
