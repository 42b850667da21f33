"""The token endpoint of the container registry, and the key that the registry trusts.

GitLab's rules: app/controllers/jwt_controller.rb (who asks), lib/gitlab/auth.rb (what the scopes of a token reach),
app/services/auth/container_registry_authentication_service.rb (what is granted), config/authz/roles/*.yml (what a role
may do). The token's form is the registry's: "Token Authentication Implementation" of the distribution registry.
"""

import json
import re
import time
from base64 import b32encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from textwrap import wrap
from urllib.parse import parse_qs
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.gitlab import auth, repository_rules
from sandbox.gitlab.basic_auth import AccessDeniedError, Actor, authenticate
from sandbox.gitlab.records import Project
from sandbox.gitlab.refusals import Refusal
from sandbox.gitlab.store import Store
from sandbox.machine.files import locked, write

PATH = "/jwt/auth"
SERVICE = "container_registry"
ISSUER = "gitlab-issuer"
"""GitLab's own default (config/gitlab.yml.example)."""
LIFETIME = 300
"""Seconds; container_registry_token_expire_delay."""
CLOCK_SKEW = 5
"""Seconds by which the registry's clock may be behind (lib/json_web_token/token.rb)."""

# abilities_for_scopes in lib/gitlab/auth.rb, each ability by the actions that it stands for.
REACH = {
    "api": {"pull", "push", "delete", "*"},
    "read_api": {"pull"},
    "read_registry": {"pull"},
    "write_registry": {"push"},
}
JOB_REACH = frozenset({"pull", "push", "delete"})
"""build_authentication_abilities in lib/gitlab/auth.rb."""
# The lowest role that may read, create, administer container images.
LEVELS = {"pull": auth.REPORTER, "push": auth.DEVELOPER, "delete": auth.MAINTAINER, "*": auth.MAINTAINER}
# container_repository_name_regex in lib/gitlab/regex.rb
REPOSITORY = re.compile(r"[a-z0-9]+(([._/]|__|-*)[a-z0-9])*")
# lib/container_registry/path.rb: a repository's name is its project's path and at most two parts more.
LEVELS_SUPPORTED = 3


def registry_settings(data_dir: Path, url: str) -> dict[str, object]:
    """Return the section `auth` of the configuration of a docker-registry that trusts the double at `url`.

    The certificate it names is made where missing; the double need not run yet.
    """
    token = {
        "realm": f"{url}{PATH}",
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": str(key_pair(data_dir)[1]),
    }
    return {"token": token}


def key_pair(data_dir: Path) -> tuple[Path, Path]:
    """Return the files with the key that signs and with its certificate, which are made once."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = data_dir / "registry-auth"
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    with locked(folder):
        # Written last: where it is, the key is too.
        if not certificate_file.exists():
            key = generate_private_key(65537, 2048)
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write(key_file, pem.decode())
            write(certificate_file, self_signed(key).public_bytes(Encoding.PEM).decode())
    return key_file, certificate_file


def self_signed(key: RSAPrivateKey) -> x509.Certificate:
    """Return a certificate of the key by itself; the registry looks at nothing in it but the public key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(now).not_valid_after(now + timedelta(days=3650)).sign(key, SHA256())


def caller(request: Request) -> Actor | None:
    """Return who asks, None for nobody; Refusal 401 for a password that is no live token, whatever is asked for."""
    try:
        return authenticate(request)
    except AccessDeniedError as problem:
        raise refusal(401, "UNAUTHORIZED", str(problem)) from None


def reach(actor: Actor | None) -> frozenset[str]:
    """Return the actions that a token reaches; nobody may read what is public."""
    if actor is None:
        return frozenset({"pull"})
    if actor.job_project_id is not None:
        return JOB_REACH
    return frozenset(action for scope in actor.scopes for action in REACH.get(scope, ()))


def refusal(status: int, code: str, text: str, **more: int) -> Refusal:
    """Return a refusal in the form of a registry's errors."""
    return Refusal(JSONResponse({"errors": [{"code": code, "message": text}], **more}, status))


def granted(store: Store, actor: Actor | None, scope: str) -> dict[str, object] | None:
    """Return what is granted of a scope, `repository:NAME:ACTION,...`; None where nothing is.

    `registry:catalog:*` is for administrators, whom the double does not have.
    """
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.partition(":")
    project = repository_project(store, name.lower()) if kind == "repository" else None
    allowed = [action for action in actions.split(",") if project and may(store, actor, project, name.lower(), action)]
    return {"type": kind, "name": name.lower(), "actions": allowed} if allowed else None


def repository_project(store: Store, name: str) -> Project | None:
    """Return the project that a repository is in."""
    parts = name.split("/")
    if REPOSITORY.fullmatch(name):
        for length in range(len(parts), max(1, len(parts) - LEVELS_SUPPORTED), -1):
            for project in store.find(Project, path="/".join(parts[:length])):
                return project
    return None


def may(store: Store, actor: Actor | None, project: Project, repository: str, action: str) -> bool:
    """Tell whether the actor may do this with the images of one of the project's repositories."""
    if action not in reach(actor):
        return False
    if action == "pull" and project.visibility == "public":
        return True
    if actor is None:
        return False
    if actor.deploy_token:
        return actor.deploy_token.project_id == project.id
    source = actor.job_project_id
    # Pushing is for the job's own project, whatever the allowlist of another says.
    if source not in (None, project.id) and (action != "pull" or not auth.allows_jobs_of(store, project, source)):
        return False
    level = auth.access_level(store, actor.user, project.path)
    return level >= max(LEVELS[action], repository_rules.level(store, project, repository, action))


class RegistryAuth:
    """The route, and the key behind it."""

    def __init__(self, data_dir: Path) -> None:
        """Sign with the key in `data_dir`, which is made or read when it is first needed."""
        self.data_dir = data_dir

    @cached_property
    def key(self) -> RSAPrivateKey:
        """The key that signs."""
        key = load_pem_private_key(key_pair(self.data_dir)[0].read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)  # noqa: S101 - made above
        return key

    @cached_property
    def key_id(self) -> str:
        """What the registry knows the key by (libtrust's fingerprint, as lib/json_web_token/rsa_token.rb makes it)."""
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return ":".join(wrap(b32encode(sha256(public).digest()[:30]).decode(), 4))

    def encoded(self, claims: dict[str, object]) -> str:
        """Return the claims as a signed JSON Web Token."""
        header = {"kid": self.key_id, "typ": "JWT", "alg": "RS256"}
        signed = b".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return b".".join((signed, base64url(self.key.sign(signed, PKCS1v15(), SHA256())))).decode()

    async def answer(self, request: Request) -> Response:
        """GET: a token for what was asked and is allowed, maybe nothing. POST, which asks for OAuth 2: 404."""
        if request.method == "POST":
            return Response(status_code=404)
        actor = caller(request)
        asked = parse_qs(request.url.query)
        if asked.get("service") != [SERVICE]:
            return Response(status_code=404)
        store: Store = request.app.state.store
        # Docker repeats the parameter, others list scopes with spaces between.
        scopes = [scope for text in asked.get("scope", []) for scope in text.split()]
        access = [found for scope in scopes if (found := granted(store, actor, scope))]
        if not reach(actor) or (actor is None and not access):
            raise refusal(403, "DENIED", "access forbidden", http_status=403)
        now = int(time.time())
        claims = {
            "access": access,
            "jti": str(uuid4()),
            "aud": SERVICE,
            "iss": ISSUER,
            "iat": now,
            "nbf": now - CLOCK_SKEW,
            "exp": now + LIFETIME,
        }
        return JSONResponse(
            {"token": self.encoded(claims | ({"sub": actor.user.username} if actor and actor.user else {}))}
        )

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route(PATH, self.answer, methods=["GET", "POST"])]


def base64url(data: bytes) -> bytes:
    """Encode as JSON Web Tokens are (RFC 7515): for URLs, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=")
