"""A problem of a stack file, and a text of it that came encrypted. Pure: no Pulumi here."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a key is refused. What is shown is one line: path, value if there is one to show, cause, remedy."""

    path: str
    """The key, such as `gitlab-deploy:app.port`."""
    cause: str
    """What is wrong, as the rest of a sentence whose subject is the value, or the key if no value is shown."""
    remedy: str
    """What to do."""
    value: str | None = None
    """The value as it is shown; None if there is none, or it may be secret."""

    def __str__(self) -> str:
        subject = self.path if self.value is None else f"{self.path}: {self.value}"
        return f"{subject} {self.cause}; {self.remedy}"


@dataclass(frozen=True)
class Sealed:
    """A text that came encrypted. It is opened where it becomes an Output, and nowhere else."""

    text: str = field(repr=False)


def kind_of(value: object) -> str:
    """What a value is, in place of one that is not shown."""
    kinds = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return kinds.get(type(value), f"a value of type {type(value).__name__}")


def quoted(value: object) -> str:
    """The value as it is shown in a problem: one line, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}...{text[-1]}"
