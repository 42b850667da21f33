"""GitLab variables that the stack would create and that exist.

`pulumi import` would write their values into the state in clear. So the state is given them without a value, and the
next `pulumi up` sets each with one request: no job starts without it.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gitlab
from gitlab.v4.objects import ProjectVariable

from components.access.kubeconfig import KUBECONFIG, TOKEN
from components.settings.settings import Settings
from ops.gitlab.api import TIMEOUT_SECONDS, translate_errors
from ops.ops_error import OpsError

_VARIABLE = "gitlab:index/projectVariable:ProjectVariable"
_PROVIDER = "pulumi:providers:gitlab"
_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '""'}
"""A secret text, which Pulumi encrypts as it imports the state; empty."""
_ROLES = {KUBECONFIG: "kubeconfig", TOKEN: "token"}


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable by where it is; its value is shown nowhere."""

    component: str
    """Name of the component that declares it."""
    project: str
    key: str
    scope: str

    @property
    def name(self) -> str:
        """Its name in the program."""
        return f"{self.component}-{_ROLES[self.key]}"

    @property
    def id(self) -> str:
        """Its id in the state."""
        return f"{self.project}:{self.key}:{self.scope}"

    def __str__(self) -> str:
        return f"variable {self.key} (scope {self.scope}) of {self.project}"


def declared(stack: Settings) -> list[Variable]:
    """Those that the stack declares."""
    access = stack.access
    if access is None:
        return []
    places = [("pipeline", stack.scalars.gitlab_project, access.environment)]
    if access.preview:
        places.append(("pipeline-preview", access.preview_project, access.preview_environment))
    return [
        Variable(component=component, project=project, key=key, scope=scope)
        for component, project, scope in places
        for key in _ROLES
    ]


@dataclass(frozen=True, kw_only=True)
class Variables:
    """The variables of the stack's GitLab projects, by project."""

    by_project: Mapping[str, list[ProjectVariable]]

    def find(self, wanted: Variable) -> ProjectVariable | None:
        """The variable of this key and scope, if it exists."""
        found = self.by_project[wanted.project]
        return next((one for one in found if (one.key, one.environment_scope) == (wanted.key, wanted.scope)), None)

    def with_any(self, tokens: list[str]) -> Iterator[tuple[str, ProjectVariable]]:
        """The variables that hold one of these tokens, as it is or in base64, each with its project."""
        for project, variables in self.by_project.items():
            for one in variables:
                texts = (one.value or "", _decoded(one.value or ""))
                if any(token in text for token in tokens for text in texts):
                    yield project, one


def fetch(stack: Settings, token: str | None) -> Variables:
    """Reads the variables of the projects that the stack has some in; OpsError if GitLab does not give them."""
    projects = {variable.project for variable in declared(stack)}
    if projects and not token:
        raise OpsError("There is no GitLab token; export GITLAB_TOKEN, or set gitlab-deploy:gitlabToken with --secret")
    client = gitlab.Gitlab(stack.scalars.gitlab_url, oauth_token=token, timeout=TIMEOUT_SECONDS)
    found = {}
    for project in sorted(projects):
        with translate_errors(
            f"list the variables of {project}", "check that the token has scope api, role Maintainer"
        ):
            found[project] = client.projects.get(project, lazy=True).variables.list(get_all=True)
    return Variables(by_project=found)


def obstacles(stack: Settings, variables: Variables) -> list[str]:
    """Why the old pipeline would not find its credential any more, each with the way out."""
    access = stack.access
    if access is None or access.variable == "base64":
        return []
    found = []
    for one in variables.by_project[stack.scalars.gitlab_project]:
        covers = one.environment_scope in {"*", access.environment}
        if one.key == KUBECONFIG and one.variable_type == "env_var" and covers:
            found.append(
                f"The jobs of the old pipeline decode the variable KUBECONFIG (scope {one.environment_scope}), and in "
                f"environment {access.environment} they would get the path of a file from now on; set access.variable "
                "to base64 until that pipeline is switched off, or say with --remove-old that it is"
            )
    return found


def add(state: Mapping[str, Any], taken: Mapping[Variable, Mapping[str, Any]]) -> dict[str, Any]:
    """The state with these variables, as GitLab describes them, each below its component and without a value. Pure."""
    deployment = state["deployment"]
    resources = list(deployment["resources"])
    provider = next(item for item in resources if item["type"] == _PROVIDER)
    for variable, described in taken.items():
        parent = next(item for item in resources if item["urn"].endswith(f"::{variable.component}"))
        before, _, _ = parent["urn"].rpartition("::")
        inputs = {
            "project": variable.project,
            "key": variable.key,
            "environmentScope": variable.scope,
            "value": _SECRET,
            # Without it the provider would create another.
            "hidden": bool(described.get("hidden")),
            "masked": described["masked"],
            "protected": described["protected"],
            "raw": described["raw"],
            "variableType": described["variable_type"],
            "description": described.get("description") or "",
        }
        resources.append(
            {
                "urn": f"{before}${_VARIABLE}::{variable.name}",
                "custom": True,
                "id": variable.id,
                "type": _VARIABLE,
                "inputs": {**inputs, "__defaults": []},
                "outputs": {**inputs, "id": variable.id, "__meta": json.dumps({"schema_version": "1"})},
                "parent": parent["urn"],
                "provider": f"{provider['urn']}::{provider['id']}",
            }
        )
    return {**state, "deployment": {**deployment, "resources": resources}}


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
