"""The table of variables in docs/gitlab.md: which variable a maintainer stores, and for which jobs."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.support.project import ROOT


@dataclass(frozen=True, kw_only=True)
class Row:
    """A variable of one environment scope."""

    name: str
    scope: str
    masked: bool
    protected: bool
    file: bool

    def reaches(self, environment: str) -> bool:
        """Whether a job of that environment gets it, on a protected branch."""
        return fnmatchcase(environment, self.scope)


def rows(name: str = "") -> list[Row]:
    """The table's rows, or those of one variable."""
    text = (ROOT / "docs" / "gitlab.md").read_text()
    (lines,) = re.findall(r"(?m)^\| variable \|.*\n\|[-|]+\n((?:\|.*\n)+)", text)
    found = []
    for line in lines.splitlines():
        variables, _, flags, scopes, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        words = flags.split(", ")
        found += [
            Row(
                name=variable,
                scope=scope,
                masked="masked" in words,
                protected="protected" in words,
                file="file" in words,
            )
            for variable in re.findall(r"`([A-Z_]+)`", variables)
            for scope in re.findall(r"`([^`]+)`", scopes)
        ]
    return [row for row in found if name in {"", row.name}]
