"""gitlab.ProjectVariable: a CI/CD variable of a project (mirrors resource_gitlab_project_variable.go)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NoReturn

from pulumi.provider.experimental.provider import CheckFailure
from pulumi.runtime.rpc import UNKNOWN

from sandbox.plugins.gitlab.client import Client, PluginError, RefusalError, project_path
from sandbox.plugins.gitlab.resource import Input, Kind, Resource, text
from sandbox.plugins.gitlab.values import State


class ProjectVariable(Resource):
    """Its id is `project:key:environment_scope`."""

    token = "gitlab:index/projectVariable:ProjectVariable"  # noqa: S105 - a type token
    inputs: ClassVar[Mapping[str, Input]] = {
        "project": Input(kind="string", required=True, replaces=True),
        "key": Input(kind="string", required=True, replaces=True),
        "value": Input(kind="string", required=True),
        "description": Input(kind="string"),
        "environmentScope": Input(kind="string", replaces=True, default="*"),
        "hidden": Input(kind="boolean", replaces=True),
        "masked": Input(kind="boolean"),
        "protected": Input(kind="boolean"),
        "raw": Input(kind="boolean"),
        "variableType": Input(kind="string", choices=("env_var", "file")),
    }
    outputs: ClassVar[Mapping[str, Kind]] = {}
    secret_imports: ClassVar[frozenset[str]] = frozenset({"value"})

    def problems(self, inputs: State) -> Iterator[CheckFailure]:
        """Check the key, and that nothing is hidden without being masked."""
        key = text(inputs, "key")
        if key != UNKNOWN and not re.fullmatch(r"[A-Za-z0-9_]{1,255}", key):
            yield CheckFailure("", f"key must be 1 to 255 of A-Z, a-z, 0-9 and _, not {key!r}")
        if "hidden" in inputs and (
            "masked" not in inputs or (inputs["hidden"] is True and inputs["masked"] not in (True, UNKNOWN))
        ):
            yield CheckFailure("", "hidden needs masked as well, and true where hidden is true")

    def create(self, client: Client, name: str, inputs: State) -> State:
        """POST the variable; a variable of that key and scope that exists already is never taken over."""
        project = text(inputs, "project")
        body = {"key": inputs["key"], **_body(inputs)}
        if inputs.get("hidden"):
            body |= {"masked": False, "masked_and_hidden": True}
        what = f"create {_label(inputs)}"
        try:
            reply = client.call("post", project_path(project, "variables"), what, body=body)
        except RefusalError as error:
            if "has already been taken" in error.reason:
                raise PluginError(
                    f"GitLab at {client.base_url} did not {what}, for it exists already: take it over with"
                    f" `pulumi import {self.token} {name} '{_id(inputs)}' --generate-code=false`"
                    " (with --parent for a component's child), or delete it in GitLab."
                ) from None
            _raise_clearly(error, inputs)
        return _state(reply, project, inputs["value"])

    def read(self, client: Client, resource_id: str, state: State) -> State | None:
        """GET the variable of that key and scope."""
        project, _, rest = resource_id.partition(":")
        key, _, scope = rest.partition(":")
        if not project or not key:
            raise PluginError(
                f"The id {resource_id!r} is not of the form project:key:environment_scope, such as group/blog:TOKEN:*."
            )
        where: State = {"project": project, "key": key, "environmentScope": scope or "*"}
        try:
            reply = client.call("get", _path(where), f"read {_label(where)}", query=_filter(where))
        except RefusalError as error:
            if error.status == 404:
                return None
            raise
        return _state(reply, project, state.get("value"))

    def update(self, client: Client, state: State, inputs: State) -> State:
        """PUT everything that may change."""
        try:
            reply = client.call(
                "put", _path(state), f"update {_label(state)}", query=_filter(state), body=_body(inputs)
            )
        except RefusalError as error:
            _raise_clearly(error, inputs)
        return _state(reply, text(inputs, "project"), inputs["value"])

    def delete(self, client: Client, state: State) -> None:
        """DELETE the variable of that key and scope."""
        try:
            client.call("delete", _path(state), f"delete {_label(state)}", query=_filter(state))
        except RefusalError as error:
            if error.status != 404:
                raise


def _body(inputs: State) -> dict[str, Any]:
    """Give the fields of POST and PUT: `protected` and `variable_type` only where set, the others always."""
    body = {
        "value": inputs["value"],
        "masked": inputs.get("masked", False),
        "raw": inputs.get("raw", False),
        "description": inputs.get("description", ""),
        "environment_scope": _scope(inputs),
    }
    optional = {"protected": inputs.get("protected"), "variable_type": inputs.get("variableType")}
    return body | {name: value for name, value in optional.items() if value is not None}


def _state(reply: Mapping[str, Any], project: str, known_value: object) -> State:
    """Give the outputs; the value of a hidden variable, which GitLab never tells, is the one known before."""
    hidden = bool(reply.get("hidden"))
    state: State = {
        "project": project,
        "key": reply["key"],
        "value": (known_value if isinstance(known_value, str) else "") if hidden else reply["value"],
        "description": reply.get("description") or "",
        "environmentScope": reply["environment_scope"],
        "hidden": hidden,
        "masked": reply["masked"],
        "protected": reply["protected"],
        "raw": reply["raw"],
        "variableType": reply["variable_type"],
    }
    return state | {"id": _id(state)}


def _raise_clearly(error: RefusalError, inputs: State) -> NoReturn:
    """Say which rule a value breaks, where GitLab says only that it is invalid."""
    if error.status == 400 and "value" in error.reason and "invalid" in error.reason:
        raise PluginError(
            f"Invalid value for a masked variable: the value of {_label(inputs)} must be one line of 8 or more"
            " characters without whitespace, and where raw is not true, only of A-Z a-z 0-9 + / = @ : . ~ _ and -"
            " (https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable)."
        ) from None
    raise error


def _scope(inputs: State) -> str:
    return text({"environmentScope": "*", **inputs}, "environmentScope")


def _id(inputs: State) -> str:
    return f"{inputs['project']}:{inputs['key']}:{_scope(inputs)}"


def _label(inputs: State) -> str:
    return f"variable {inputs['key']} (scope {_scope(inputs)}) of project {inputs['project']}"


def _path(inputs: State) -> str:
    return project_path(text(inputs, "project"), "variables", text(inputs, "key"))


def _filter(inputs: State) -> dict[str, Any]:
    return {"filter": {"environment_scope": _scope(inputs)}}
