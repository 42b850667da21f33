"""gitlab.ProjectVariable: a CI/CD variable of a project (mirrors resource_gitlab_project_variable.go)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NoReturn

from sandbox.plugins.gitlab.client import ApiError, Client, PluginError, project_path
from sandbox.plugins.gitlab.resource import Input, Kind, Resource, text
from sandbox.plugins.gitlab.values import UNKNOWN, State

INVALID_MASKED = (
    "Invalid value for a masked variable. Check the masked variable requirements: "
    "https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable"
)


class ProjectVariable(Resource):
    """Its id is `project:key:environment_scope`."""

    token = "gitlab:index/projectVariable:ProjectVariable"  # noqa: S105 - a type token
    meta = '{"schema_version":"1"}'
    inputs: ClassVar[Mapping[str, Input]] = {
        "project": Input(kind="string", required=True, replaces=True),
        "key": Input(kind="string", required=True, replaces=True),
        "value": Input(kind="string", required=True),
        "description": Input(kind="string"),
        "environmentScope": Input(kind="string", replaces=True, default="*"),
        "hidden": Input(kind="boolean", replaces=True, replaces_unset=False),
        "masked": Input(kind="boolean"),
        "protected": Input(kind="boolean"),
        "raw": Input(kind="boolean"),
        "variableType": Input(kind="string", choices=("env_var", "file")),
    }
    outputs: ClassVar[Mapping[str, Kind]] = {}

    def problems(self, inputs: State) -> Iterator[str]:
        """Check the key, and that nothing is hidden without being masked."""
        key = text(inputs, "key")
        if key != UNKNOWN and not re.fullmatch(r"[A-Za-z0-9_]{1,255}", key):
            yield f"key must be 1 to 255 of A-Z, a-z, 0-9 and _, not {key!r}"
        if "hidden" in inputs and (
            "masked" not in inputs or (inputs["hidden"] is True and inputs["masked"] not in (True, UNKNOWN))
        ):
            yield "hidden needs masked as well, and true where hidden is true"

    def create(self, client: Client, inputs: State) -> State:
        """POST the variable; one of that key and scope that exists already is an error, and is not taken over."""
        project = text(inputs, "project")
        body = {"key": inputs["key"], **_body(inputs)}
        if inputs.get("hidden"):
            body |= {"masked": False, "masked_and_hidden": True}
        try:
            reply = client.call("post", project_path(project, "variables"), body=body)
        except ApiError as error:
            _raise(error, "create")
        return _state(reply, project, inputs["value"])

    def read(self, client: Client, resource_id: str, state: State) -> State | None:
        """GET the variable of that key and scope."""
        project, _, rest = resource_id.partition(":")
        key, _, scope = rest.partition(":")
        if not project or not key:
            raise PluginError(
                "Invalid resource ID format",
                f"The resource ID '{resource_id}' has an invalid format in Read. It should be "
                f"'<project>:<key>:<environment_scope>'. Error: unexpected ID format ({resource_id!r}). "
                "Expected project:key",
            )
        where: State = {"project": project, "key": key, "environmentScope": scope or "*"}
        try:
            reply = client.call("get", _path(where), query=_filter(where))
        except ApiError as error:
            if error.status == 404:
                # Officially an import of what does not exist succeeds, with an empty id and no other property.
                return None if state else {"id": ""}
            _raise(error, "read")
        return _state(reply, project, state.get("value"))

    def update(self, client: Client, state: State, inputs: State) -> State:
        """PUT everything that may change."""
        try:
            reply = client.call("put", _path(state), query=_filter(state), body=_body(inputs))
        except ApiError as error:
            _raise(error, "update")
        return _state(reply, text(inputs, "project"), inputs["value"])

    def delete(self, client: Client, state: State) -> None:
        """DELETE the variable of that key and scope; one that is gone already is no error."""
        try:
            client.call("delete", _path(state), query=_filter(state))
        except ApiError as error:
            if error.status != 404:
                _raise(error, "delete")


def _body(inputs: State) -> dict[str, Any]:
    """Return the fields of POST and PUT: `protected` and `variable_type` only if set, the others always."""
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
    """Return the outputs; the value of a hidden variable, which GitLab never shows, is the one known before."""
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
    return state | {"id": f"{project}:{state['key']}:{state['environmentScope']}"}


def _raise(error: ApiError, do: str) -> NoReturn:
    if error.status == 400 and "value" in str(error) and "invalid" in str(error):
        raise PluginError(INVALID_MASKED, str(error)) from None
    raise PluginError("GitLab API error occurred", f"Unable to {do} project variable: {error}") from None


def _scope(inputs: State) -> str:
    return text({"environmentScope": "*", **inputs}, "environmentScope")


def _path(inputs: State) -> str:
    return project_path(text(inputs, "project"), "variables", text(inputs, "key"))


def _filter(inputs: State) -> dict[str, str]:
    return {"filter[environment_scope]": _scope(inputs)}
