"""What a rule for a text is, and how it refuses one. Pure: no Pulumi here."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from components.settings.problem import quoted


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a text has to be. An editor checks all of it but `check`."""

    pattern: str
    """matches all of a good text; it means the same in Python and in ECMAScript."""
    cause: str
    """What is wrong with another text, as the rest of a sentence: `is not a DNS name`."""
    remedy: str
    """What to use."""
    form: str = "NAME"
    """What stands for such a text in a command that is shown."""
    longest: int = 65536
    """How many characters it may have."""
    check: Callable[[str], bool] | None = None
    """What no pattern can say."""

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)

    def accepts(self, text: str) -> bool:
        """Whether the text is a good one."""
        fits = len(text) <= self.longest and self._compiled.fullmatch(text) is not None
        return fits and (self.check is None or self.check(text))


def refusing(rules: tuple[Rule, ...], text: str) -> Rule | None:
    """The first of the rules that refuses the text."""
    return next((rule for rule in rules if not rule.accepts(text)), None)


def require(field: str, value: str, *rules: Rule) -> None:
    """Raises ValueError naming the field if a rule refuses the value; for arguments made by hand in code."""
    rule = refusing(rules, value)
    if rule:
        raise ValueError(f"{field}: {quoted(value)} {rule.cause}; {rule.remedy}")
