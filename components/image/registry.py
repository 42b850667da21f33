"""A repository of a registry, asked over HTTP. No Pulumi here.

OCI distribution specification (pulling), and the token authentication that GitLab's registry uses. A login is sent over
https alone, or to this machine itself, and to no server that another one leads to.
"""

import base64
import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from components.image.challenge import challenges
from components.image.reference import ImageReference
from components.user_agent import USER_AGENT

TIMEOUT_SECONDS = 4
"""For one step of a request, such as one connection."""
MOST_BYTES = 1 << 20
"""Of one answer."""
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


@dataclass(kw_only=True)
class Repository:
    """One repository, and who asks it."""

    host: str
    name: str
    login: str | None = field(repr=False)
    """User name and password as Basic authentication has them; None asks as nobody."""
    _authorization: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, image: ImageReference, environment: Mapping[str, str] | None) -> "Repository | None":
        """The repository of an image; None for a name without a host, which is one of Docker Hub's.

        The login is the first of these that is for the registry: the one in the variable DOCKER_AUTH_CONFIG, the one
        that a GitLab job has (CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD), the one that Docker keeps
        (config.json in DOCKER_CONFIG or ~/.docker); else, and without an environment, there is none. OSError or
        ValueError if that cannot be read.
        """
        host, _, name = image.name.partition("/")
        if not name or not set(host) & set(".:["):
            return None
        return cls(host=host, name=name, login=None if environment is None else _login(host, environment))

    def ask(self, method: str, path: str) -> tuple[Message, bytes]:
        """Headers and body of a path below the repository, such as `manifests/1.0.0`.

        OSError, ValueError, RecursionError or HTTPException if the registry does not give it.
        """
        url = f"{'http' if _is_loopback(self.host) else 'https'}://{self.host}/v2/{self.name}/{path}"
        try:
            return _ask(method, url, self._authorization)
        except urllib.error.HTTPError as error:
            if error.code in {302, 303, 307, 308}:
                return self._follow(method, error.headers.get("Location", ""))
            if error.code != 401 or self._authorization:
                raise
            asked = challenges(error.headers.get_all("WWW-Authenticate", []))
            if "bearer" in asked:
                self._authorization = f"Bearer {self._token(asked['bearer'])}"
            elif self.login and "basic" in asked:
                self._authorization = f"Basic {self.login}"
            else:
                raise
        return self.ask(method, path)

    def _follow(self, method: str, location: str) -> tuple[Message, bytes]:
        """From where a registry keeps its blobs, without the login."""
        where = urlsplit(location)
        if where.scheme != "https" and not (where.scheme == "http" and _is_loopback(where.netloc)):
            raise ValueError(where.scheme)
        return _ask(method, location, None)

    def _token(self, named: Mapping[str, str]) -> str:
        """A token that may pull, from the server that the registry names."""
        realm = urlsplit(named.get("realm", ""))
        if realm.scheme != "https" and not (realm.scheme == "http" and _is_loopback(realm.netloc)):
            raise ValueError(realm.scheme)
        query = urlencode({"service": named.get("service", ""), "scope": f"repository:{self.name}:pull"})
        body = json.loads(_ask("GET", f"{realm.geturl()}?{query}", self.login and f"Basic {self.login}")[1])
        token = _text(body, "token") or _text(body, "access_token")
        if token is None:
            raise ValueError("no token")
        return token


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the login along, to wherever it leads."""

    def redirect_request(self, *_: object) -> None:
        return None


def _ask(method: str, url: str, authorization: str | None) -> tuple[Message, bytes]:
    headers = {"Accept": ACCEPT, "User-Agent": USER_AGENT} | ({"Authorization": authorization} if authorization else {})
    # The scheme is one of two, which every caller sees to.
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
