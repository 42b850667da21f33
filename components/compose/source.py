"""A compose file, or all of a project, with what is wrong in it collected, and the line of each value. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.settings.problem import Problem
from components.source.source_error import SourceError
from components.source.yaml_file import Path


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file, or those of a project as one, once they are merged."""

    value: dict[str, Any]
    """Plain data, as `yaml_file` has it."""
    lines: Mapping[Path, str]
    """FILE:LINE of each value by its path."""
    problems: list[Problem] = field(default_factory=list)
    replaced: frozenset[Path] = frozenset()
    """What it takes away of the files before it."""
    left_out: set[str] = field(default_factory=set)
    """Services that their profiles leave out."""

    def where(self, path: Path) -> str:
        """FILE:LINE of a value; if there is none at the path, of the nearest one that it would be in."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def refuse(self, path: Path, cause: str, remedy: str) -> None:
        """Records a problem of the value at the path."""
        shown = ".".join(str(part) for part in path)
        self.problems.append(Problem(path=self.where(path), cause=f"{shown} {cause}", remedy=remedy))

    def check(self) -> None:
        """SourceError with every problem, if there is any."""
        if self.problems:
            raise SourceError(*self.problems)
