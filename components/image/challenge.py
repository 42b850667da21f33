"""What a registry asks for before it answers: the header WWW-Authenticate (RFC 9110, section 11.6.1). Pure."""

import re
from collections.abc import Iterable, Mapping

_PARAMETER = re.compile(r'[\s,]*(?P<name>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))')
_SCHEME = re.compile(r"[\s,]*(?P<name>[A-Za-z][\w-]*)(?=[\s,]|$)")


def challenges(headers: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """The parameters of each scheme, in small letters; a header may have several, and there may be several headers.

    Of two challenges of one scheme the first is taken.
    """
    found: dict[str, dict[str, str]] = {}
    for header in headers:
        position, parameters = 0, dict[str, str]()
        while match := _PARAMETER.match(header, position) or _SCHEME.match(header, position):
            position = match.end()
            if match.re is _SCHEME:
                parameters = {}
                found.setdefault(match["name"].lower(), parameters)
            else:
                quoted = match["quoted"]
                value = match["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                parameters.setdefault(match["name"].lower(), value)
    return found
