"""Which image a tag stands for, asked of its registry over HTTP. No Pulumi here.

OCI distribution specification (pulling manifests), and the token authentication that GitLab's registry uses. A login is
sent over https alone, or to this machine itself. Whatever the registry and its token server do, the answer is there
after a few seconds: if they give none, the tag stays a tag.
"""

import base64
import http.client
import ipaddress
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from components.deadline import call_within
from components.image.reference import ImageReference

TOTAL_SECONDS = 6
"""For everything: names, connections, the registry and its token server."""
TIMEOUT_SECONDS = 4
"""For one step of it, such as one connection."""
MOST_BYTES = 1 << 20
"""Of one answer."""
_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def pinned(image: ImageReference, environment: Mapping[str, str]) -> ImageReference:
    """The image with the digest that its tag stands for now, or as it is if the registry does not say.

    The login is the first of these that is for the registry: the one in the variable DOCKER_AUTH_CONFIG, the one that a
    GitLab job has (CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD), the one that Docker keeps (config.json in
    DOCKER_CONFIG or ~/.docker); else there is none.
    """
    host, _, repository = image.name.partition("/")
    if image.digest or not image.tag or not repository or not set(host) & set(".:["):
        # A name without a host is one of Docker Hub's.
        return image
    tag = image.tag
    try:
        login = _login(host, environment)
        return image.with_digest(call_within(TOTAL_SECONDS, lambda: _digest(host, repository, tag, login)))
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return image


def _digest(host: str, repository: str, tag: str, login: str | None) -> str:
    url = f"{'http' if _is_loopback(host) else 'https'}://{host}/v2/{repository}/manifests/{tag}"
    try:
        headers = _ask("HEAD", url, None)[0]
    except urllib.error.HTTPError as error:
        challenge = error.headers.get("WWW-Authenticate", "")
        if error.code != 401:
            raise
        if challenge.lower().startswith("bearer "):
            headers = _ask("HEAD", url, f"Bearer {_token(challenge, repository, login)}")[0]
        elif login:
            headers = _ask("HEAD", url, f"Basic {login}")[0]
        else:
            raise
    return headers.get("Docker-Content-Digest", "")


def _token(challenge: str, repository: str, login: str | None) -> str:
    """A token that may pull, from the server that the registry names."""
    named = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = urlsplit(named.get("realm", ""))
    if realm.scheme != "https" and not (realm.scheme == "http" and _is_loopback(realm.netloc)):
        raise ValueError(realm.scheme)
    query = urlencode({"service": named.get("service", ""), "scope": f"repository:{repository}:pull"})
    body = json.loads(_ask("GET", f"{realm.geturl()}?{query}", login and f"Basic {login}")[1])
    token = _text(body, "token") or _text(body, "access_token")
    if token is None:
        raise ValueError("no token")
    return token


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the login along, to wherever it leads."""

    def redirect_request(self, *_: object) -> None:
        return None


def _ask(method: str, url: str, authorization: str | None) -> tuple[Message, bytes]:
    headers = {"Accept": _ACCEPT} | ({"Authorization": authorization} if authorization else {})
    # The scheme is one of two, and fixed above.
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as reply:
        body: bytes = reply.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
        return reply.headers, body


def _login(host: str, environment: Mapping[str, str]) -> str | None:
    """User name and password for a registry, as Basic authentication has them."""
    # Somebody has given the job this variable, whose login may read more than the job's token. A file may be what
    # another job left on the runner's machine.
    login = _stored(environment.get("DOCKER_AUTH_CONFIG"), host)
    if login:
        return login
    if environment.get("CI_REGISTRY") == host and environment.get("CI_REGISTRY_PASSWORD"):
        pair = f"{environment.get('CI_REGISTRY_USER', '')}:{environment['CI_REGISTRY_PASSWORD']}"
        return base64.b64encode(pair.encode()).decode()
    folder = environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/"), ".docker")
    file = Path(folder, "config.json")
    return _stored(file.read_text(encoding="utf-8") if file.is_file() else None, host)


def _stored(text: str | None, host: str) -> str | None:
    """A registry's login in Docker's config.json, if the text is one and has it."""
    try:
        return _text(_field(_field(json.loads(text or "{}"), "auths"), host), "auth")
    except (ValueError, RecursionError):
        return None


def _field(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _text(value: object, key: str) -> str | None:
    found = _field(value, key)
    return found if isinstance(found, str) and found else None


def _is_loopback(host: str) -> bool:
    """Whether it is this machine, which Docker too takes for a registry without TLS."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
