"""The secrets that a job has: what its environment holds under telling names, and the files that it names."""

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from ops.preview import yaml_document
from ops.preview.sensitive import is_sensitive, is_sensitive_name

LARGEST_FILE = 65536
_TELLING_NAME = re.compile(
    r"TOKEN|PASSW|PASSPHRASE|SECRET|CREDENTIAL|KUBECONFIG|JWT|AUTH_CONFIG|PRIVATE|PGPASS"
    r"|(ACCESS|API|STORAGE|SSH|ACCOUNT)_?KEY|_KEY$",
    re.IGNORECASE,
)
# The shell's own, and the address of an agent, which is no secret.
_NO_SECRET = {"OLDPWD", "PWD", "SSH_AUTH_SOCK"}


def read(environment: Mapping[str, str]) -> frozenset[str]:
    """The secrets in an environment: values, contents of files, and the single credentials within documents."""
    return frozenset(secret for name, value in environment.items() for secret in _of_variable(name, value))


def _of_variable(name: str, value: str) -> Iterator[str]:
    # The login in an address is one whatever the variable is called: DATABASE_URL.
    try:
        password = urllib.parse.urlsplit(value).password
    except ValueError:
        password = None
    if password:
        yield password
        yield urllib.parse.unquote(password)
    if name in _NO_SECRET or not (_TELLING_NAME.search(name) or is_sensitive_name(name)):
        return
    text = _content(value)
    if text is not None:
        yield text.strip()
        yield from _within(text)


def _content(value: str) -> str | None:
    """The value, or the content of the file that it names; None for a file too large to be a credential."""
    try:
        file = Path(value)
        if file.is_file():
            return file.read_text() if file.stat().st_size <= LARGEST_FILE else None
    except (OSError, ValueError):
        pass
    return value


def _within(text: str) -> Iterator[str]:
    """The credentials within a document, such as DOCKER_AUTH_CONFIG or a kubeconfig; JSON is YAML."""
    try:
        document = yaml_document.load(text)
    except (yaml.YAMLError, ValueError):
        return
    yield from _sensitive_values(document, ())


def _sensitive_values(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _sensitive_values(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _sensitive_values(item, path)
    elif isinstance(value, str) and is_sensitive("", path):
        yield value
