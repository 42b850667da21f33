"""Keeps credentials out of what commands show: logs, notes, issues and reports.

Pulumi hides what is marked secret. This is the second line of defence, for what nobody marked: properties known to
hold credentials are hidden by their name, and texts that look like one, or that a variable of the job holds, by what
they are.
"""

import base64
import binascii
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

HIDDEN = "[secret]"
REDACTED = "[redacted]"
# The key by which Pulumi marks secrets and other special values (sdk/go/common/resource/sig: Key).
SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
# GitLab masks nothing shorter, and a shorter text would be found everywhere.
SHORTEST = 8
LARGEST_FILE = 65536

_SENSITIVE_NAMES = {
    "accesstoken", "auth", "clientkey", "clientkeydata", "clientsecret", "contentbase64", "dockerconfigjson",
    "identitytoken", "kubeconfig", "passphrase", "password", "privatekey", "registryauth", "secretkey", "sshopts",
    "stringdata", "token",
}  # fmt: skip
# Every input below these is hidden, whatever its own name.
_SENSITIVE_IN = {
    "kubernetes:core/v1:Secret": {"data", "stringData"},
    "docker:index/container:Container": {"envs", "uploads"},
}
_VARIABLE_TYPE = re.compile(r"gitlab:index/\w*[vV]ariable:\w*Variable$")
_SENSITIVE_VARIABLE = re.compile(
    r"TOKEN|PASSW|PASSPHRASE|SECRET|CREDENTIAL|KUBECONFIG|JWT|AUTH_CONFIG|PRIVATE|(ACCESS|API|STORAGE|SSH|ACCOUNT)_?KEY|_KEY$",
    re.IGNORECASE,
)
_GITLAB_CREDENTIAL = (
    r"(?:(?:glpat|gldt|glcbt|glrtr?|glptt|glft|glsoat|glimt|glagent|gloas|glwt|glffct)-|GR1348941)[\w.=-]{8,}"
)
_CREDENTIALS = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)"
    r"|eyJ[\w+/=.-]{8,}"
    rf"|\b{_GITLAB_CREDENTIAL}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bpul-[0-9a-f]{40}\b"
    r"|\bv1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/=]{8,}"
    r"|(?<=://)[^\s/@:\"']*:[^\s/@\"']+(?=@)"
    r"|(?<=Bearer )[\w+/=.~-]{8,}|(?<=Basic )[\w+/=-]{8,}",
    re.DOTALL,
)
_NAMED = r"(?:passw(?:or)?d|passphrase|token|secret|credential|api_?key|access_?key|private_?key)[\w.-]{0,40}"
# NAME=value, and the option --name with its value as the next word or the next entry of a list.
_ASSIGNMENT = re.compile(
    rf"({_NAMED}=|(?<![\w-])--?[\w-]{{0,40}}{_NAMED}[\"']?[,\s]+)(?:\"[^\"]*\"|'[^']*'|[^\s\"'&;,]+)", re.IGNORECASE
)
_ENTRY = re.compile(rf"\[.*{_NAMED}\]", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_TELLING = re.compile(
    rb"apiVersion|PRIVATE KEY|client-key|\"auths?\"|password|passphrase|token|glpat-|gldt-|glcbt-|eyJhbGci",
    re.IGNORECASE,
)


def is_marked(value: object) -> bool:
    """Whether Pulumi marks the value as secret, as a preview shows it or as a state holds it."""
    return value == HIDDEN or (isinstance(value, dict) and SIGNATURE_KEY in value)


def is_sensitive(kind: str, path: Sequence[str]) -> bool:
    """Whether a property of a resource of type `kind` holds credentials, whether it is marked or not."""
    if not path:
        return False
    if _VARIABLE_TYPE.search(kind) and path[-1] == "value":
        return True
    if path[0] in _SENSITIVE_IN.get(kind, ()):
        return True
    if any(re.sub(r"[^a-z]", "", part.lower()) in _SENSITIVE_NAMES for part in path):
        return True
    # An entry of a list of named values, such as a container's env[DB_PASSWORD].value.
    return path[-1] == "value" and any(part.startswith("[") and _ENTRY.fullmatch(part) for part in path)


class Redactor:
    """Replaces what looks like a credential, or is one of the job's, in a text."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` is the job's; what its variables with telling names hold is never shown."""
        needles: set[str] = set()
        for name, value in environment.items():
            if _SENSITIVE_VARIABLE.search(name):
                for secret in _held(value):
                    needles |= set(_forms(secret))
        self._needles = re.compile("|".join(re.escape(text) for text in sorted(needles, key=len, reverse=True)))
        self._any = bool(needles)

    def text(self, text: str) -> str:
        """The text with every credential in it replaced by `[redacted]`."""
        if self._any:
            text = self._needles.sub(REDACTED, text)
        text = _CREDENTIALS.sub(REDACTED, text)
        text = _ASSIGNMENT.sub(rf"\1{REDACTED}", text)
        return _BASE64.sub(lambda found: REDACTED if self._encodes(found[0]) else found[0], text)

    def _encodes(self, text: str) -> bool:
        """Whether the text is base64 of something with a credential in it, or a piece of that."""
        plain = text.rstrip("=").replace("-", "+").replace("_", "/")
        for offset in range(4):
            piece = plain[offset:]
            try:
                decoded = base64.b64decode(piece[: len(piece) // 4 * 4])
            except binascii.Error:
                continue
            if _TELLING.search(decoded) or (self._any and self._needles.search(decoded.decode("latin-1"))):
                return True
        return False


def _held(value: str) -> Iterator[str]:
    """The credentials that a variable holds: its text, or for the path of a small file the text of that."""
    try:
        file = Path(value)
        if file.is_file():
            if file.stat().st_size <= LARGEST_FILE:
                value = file.read_text()
            else:
                return
    except (OSError, ValueError):
        pass
    for text in {value.strip(), *_passwords(value)}:
        if len(text) >= SHORTEST:
            yield text


def _passwords(value: str) -> Iterator[str]:
    """The single credentials inside of a document, such as DOCKER_AUTH_CONFIG or a kubeconfig; JSON is YAML."""
    try:
        document = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):
        return
    yield from _sensitive_texts(document, ())


def _sensitive_texts(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _sensitive_texts(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _sensitive_texts(item, path)
    elif isinstance(value, str) and is_sensitive("", path):
        yield value


def _forms(secret: str) -> Iterator[str]:
    """The forms in which a text may show: as it is, inside of JSON or a URL, and in base64 wherever it starts."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield urllib.parse.quote(secret, safe="")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        # Less the characters that depend on what stands beside it.
        piece = encoded[-(-offset * 8 // 6) : -1]
        if len(piece) >= SHORTEST:
            yield piece
            yield piece.replace("+", "-").replace("/", "_")
