"""What is wrong in a file of the team's own. Pure."""

from components.settings.problem import Problem


class SourceError(Exception):
    """One or more problems, each with file and line."""

    def __init__(self, *problems: Problem) -> None:
        """`problems` are shown one a line; the path of each is FILE:LINE, or FILE."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def source_error(where: str, cause: str, remedy: str) -> SourceError:
    """The error of one problem; `where` is FILE:LINE, or FILE."""
    return SourceError(Problem(path=where, cause=cause, remedy=remedy))
