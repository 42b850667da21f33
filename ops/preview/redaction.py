"""Keeps credentials out of what commands show: logs, notes, issues and reports. Pure.

Pulumi hides what is marked secret. This is the second line of defence, for what nobody marked: values that are known to
be secret in whatever form they show, and text that looks like a credential. Its time is linear in the length of a text.
"""

import base64
import binascii
import bisect
import json
import re
import shlex
import urllib.parse
from collections.abc import Iterable, Iterator

from ops.preview import credential_shapes
from ops.preview.credential_shapes import Span

REDACTED = "[redacted]"
# GitLab masks nothing shorter, and a shorter text would be found everywhere.
SHORTEST = 8
# Base64 within base64: an `auth` of Docker's within a Secret.
_DEPTH = 3
# A line of a key that is shown by itself.
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=_-]{16,}+")
# What wraps, quotes, escapes, colors or concatenates a text and is no part of it.
_JOINT = re.compile(
    r"\x1b\[[0-9;?]*+[A-Za-z]|[\s\"'`\\,+\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Also wrapped, as `base64` does after 76 characters.
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}+(?:(?:\r?\n|\\n)[ \t]*+[A-Za-z0-9+/_-]{24,}+)*+"
    r"(?:(?:\r?\n|\\n)[ \t]*+[A-Za-z0-9+/_-]++={0,2}(?=[\r\n\"']|$))?={0,2}"
)
_BASE64_JOINT = re.compile(r"\s|\\n")
_TELLING = re.compile(
    rb"apiVersion|PRIVATE KEY|client-key|\"auths?\"|password|passphrase|token|glpat-|gldt-|glcbt-|eyJhbGci",
    re.IGNORECASE,
)


class Redactor:
    """Replaces what looks like a credential, or is a known one, in a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are never shown; those with fewer than 8 characters are ignored, as GitLab does."""
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        self._exact = sorted(forms)
        self._joined = sorted(short for form in forms if len(short := _JOINT.sub("", form)) >= SHORTEST)

    def text(self, text: str) -> str:
        """The text with every credential in it replaced by `[redacted]`."""
        # RE2 reads UTF-8, which has no halves of surrogate pairs; they stay in what is shown.
        readable = _SURROGATE.sub("\ufffd", text)
        pieces, shown = [], 0
        for start, end in _merged(self._spans(readable, _DEPTH)):
            pieces += [text[shown:start], REDACTED]
            shown = end
        return "".join([*pieces, text[shown:]])

    def _spans(self, text: str, depth: int) -> Iterator[Span]:
        yield from self._known(text)
        yield from credential_shapes.spans(text)
        for found in _BASE64.finditer(text):
            if self._encodes(_BASE64_JOINT.sub("", found[0]), depth):
                yield found.span()

    def _known(self, text: str) -> Iterator[Span]:
        """Where a known secret stands, also one that is wrapped, quoted, escaped or concatenated."""
        for secret in self._exact:
            yield from _occurrences(secret, text)
        if not self._joined:
            return
        joints = [found.span() for found in _JOINT.finditer(text)]
        # Where each joint was in the text without joints.
        cuts, removed = [], 0
        for start, end in joints:
            cuts.append(start - removed)
            removed += end - start
        ends = [end for _, end in joints]
        joined = _JOINT.sub("", text)

        def place(index: int) -> int:
            at = bisect.bisect_right(cuts, index) - 1
            return index if at < 0 else ends[at] + index - cuts[at]

        for secret in self._joined:
            for start, end in _occurrences(secret, joined):
                yield place(start), place(end - 1) + 1

    def _encodes(self, text: str, depth: int) -> bool:
        """Whether the text is base64 of something with a credential in it, or a piece of that."""
        plain = text.rstrip("=").replace("-", "+").replace("_", "/")
        for offset in range(4):
            piece = plain[offset:]
            try:
                decoded = base64.b64decode(piece + "=" * (-len(piece) % 4))
            except binascii.Error:
                decoded = base64.b64decode(piece[: len(piece) // 4 * 4])
            if _TELLING.search(decoded):
                return True
            readable = decoded.decode("latin-1")
            if any(secret in readable for secret in self._exact):
                return True
            if depth and readable.isascii() and next(self._spans(readable, depth - 1), None):
                return True
        return False


def _occurrences(secret: str, text: str) -> Iterator[Span]:
    start = text.find(secret)
    while start >= 0:
        yield start, start + len(secret)
        start = text.find(secret, start + len(secret))


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans in order, those that touch made one."""
    current: Span | None = None
    for start, end in sorted(spans):
        if current is None or start > current[1]:
            if current is not None:
                yield current
            current = start, end
        else:
            current = current[0], max(current[1], end)
    if current is not None:
        yield current


def _forms(secret: str) -> Iterator[str]:
    """The forms in which a secret may show: as it is, by line, in JSON, a shell or a URL, in hexadecimal and base64."""
    yield secret
    yield from (line for line in secret.split() if line != secret and _KEY_LINE.fullmatch(line))
    yield json.dumps(secret)[1:-1]
    yield json.dumps(json.dumps(secret)[1:-1])[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield shlex.quote(secret)
    for safe in ("", "/"):
        yield urllib.parse.quote(secret, safe=safe)
        yield urllib.parse.quote_plus(secret, safe=safe)
    encoded = secret.encode("utf-8", "surrogatepass")
    yield encoded.hex()
    yield encoded.hex().upper()
    for offset in range(3):
        piece = base64.b64encode(b"\0" * offset + encoded).decode().rstrip("=")
        # Less the characters that depend on what stands beside it.
        piece = piece[-(-offset * 8 // 6) : -1]
        if len(piece) >= SHORTEST:
            yield piece
            yield piece.replace("+", "-").replace("/", "_")
