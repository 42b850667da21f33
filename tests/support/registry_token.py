"""Asking the container registry's token endpoint."""

import json
from base64 import b64encode, urlsafe_b64decode
from typing import Any
from urllib.parse import urlencode

from gitlab.v4.objects import Group, Project

from sandbox.toolchain.images import Credentials
from tests.support.gitlab_double import GitLabDouble, Reply

EVERYTHING = ["pull", "push", "delete", "*"]


def basic(credentials: Credentials | None) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(':'.join(credentials).encode()).decode()}"} if credentials else {}


def ask(
    double: GitLabDouble, credentials: Credentials | None, *scopes: str, service: str = "container_registry"
) -> Reply:
    query = urlencode([("service", service), ("account", "someone"), *(("scope", scope) for scope in scopes)])
    return double.request("GET", f"/jwt/auth?{query}", headers=basic(credentials))


def opened(reply: Reply) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of the token in a reply."""
    assert reply.status == 200
    header, claims, _ = reply.json()["token"].split(".")
    decoded = [json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, claims)]
    return decoded[0], decoded[1]


def granted(double: GitLabDouble, credentials: Credentials | None, path: str) -> list[str]:
    """Return the actions granted on one repository when all are asked for."""
    _, claims = opened(ask(double, credentials, f"repository:{path}:{','.join(EVERYTHING)}"))
    if not claims["access"]:
        return []
    (access,) = claims["access"]
    assert (access["type"], access["name"]) == ("repository", path)
    actions: list[str] = access["actions"]
    return actions


def deploy_token(owner: Project | Group, *scopes: str, **more: str) -> Credentials:
    created = owner.deploytokens.create({"name": "pull", "scopes": list(scopes), **more})
    return Credentials(created.username, created.token)
