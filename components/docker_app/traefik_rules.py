"""Which requests for a host a rule of a Traefik router takes (Traefik: Routers, rule). Pure.

Enough of the language to compare rules by their hosts; a rule that is not understood takes nothing.
"""

import re

_STRING = r"`[^`]*`|\"(?:[^\"\\]|\\.)*\""
_MATCHER = re.compile(rf"\s*(!?)\s*([A-Za-z]+)\s*\(\s*((?:{_STRING})(?:\s*,\s*(?:{_STRING}))*)\s*,?\s*\)\s*")
_OPERATOR = re.compile(r"\s*(\|\||&&)\s*")


def takes_all(rule: str, host: str) -> bool:
    """Whether the rule takes every request for the host, as ``Host(`host`)`` does."""
    return any(
        all(_names(matcher, host) or _is_everything(matcher) for matcher in alternative)
        for alternative in _alternatives(rule)
        if any(_names(matcher, host) for matcher in alternative)
    )


def takes_some(rule: str, host: str) -> bool:
    """Whether the rule takes requests for the host at all, such as those of a path."""
    return any(_names(matcher, host) for alternative in _alternatives(rule) for matcher in alternative)


_Matcher = tuple[str, str, tuple[str, ...]]
"""`!` or nothing, the name in lower case, the values."""


def _names(matcher: _Matcher, host: str) -> bool:
    negation, name, values = matcher
    return not negation and name == "host" and host.lower() in {value.lower() for value in values}


def _is_everything(matcher: _Matcher) -> bool:
    return matcher == ("", "pathprefix", ("/",))


def _alternatives(rule: str) -> list[list[_Matcher]]:
    """The matchers of the rule, by what `||` divides; parentheses around matchers are flattened, so more is taken."""
    alternatives: list[list[_Matcher]] = [[]]
    position, groups = 0, re.compile(r"\s*[()]\s*")
    while position < len(rule):
        if found := _MATCHER.match(rule, position):
            values = tuple(text[1:-1] for text in re.findall(_STRING, found[3]))
            alternatives[-1].append((found[1], found[2].lower(), values))
        elif found := _OPERATOR.match(rule, position):
            if found[1] == "||":
                alternatives.append([])
        elif not (found := groups.match(rule, position)):
            return []
        position = found.end()
    return alternatives


def hosts(rule: str) -> tuple[str, ...]:
    """The host names that the rule names, each once."""
    found = (
        value
        for alternative in _alternatives(rule)
        for negation, name, values in alternative
        if name == "host" and not negation
        for value in values
    )
    return tuple(dict.fromkeys(found))


def path(rule: str) -> str:
    """A path that the rule takes requests for: the first one that it names, else the root."""
    found = (
        values[0]
        for alternative in _alternatives(rule)
        for negation, name, values in alternative
        if name in {"path", "pathprefix"} and not negation
    )
    return next(found, "/")
