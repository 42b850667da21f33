"""gitlab.ProjectDeployToken: a deploy token of a project (mirrors resource_gitlab_project_deploy_token.go)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pulumi.provider.experimental.provider import CheckFailure

from sandbox.plugins.gitlab.client import Client, PluginError, RefusalError, project_path
from sandbox.plugins.gitlab.resource import Input, Kind, Resource, numbered_id, text
from sandbox.plugins.gitlab.values import State, is_unknown

_SCOPES = (
    "read_repository",
    "read_registry",
    "write_registry",
    "read_virtual_registry",
    "write_virtual_registry",
    "read_package_registry",
    "write_package_registry",
)


class ProjectDeployToken(Resource):
    """Its id is `project:number`. GitLab tells `token` once, at the creation, so it is kept from there."""

    token = "gitlab:index/projectDeployToken:ProjectDeployToken"  # noqa: S105 - a type token
    inputs: ClassVar[Mapping[str, Input]] = {
        "project": Input(kind="string", required=True, replaces=True),
        "scopes": Input(kind="array", required=True, replaces=True, choices=_SCOPES),
        "name": Input(kind="string", required=True, replaces=True),
        "username": Input(kind="string", replaces=True),
        "expiresAt": Input(kind="string", replaces=True),
        "validatePastExpirationDate": Input(kind="boolean", default=False),
    }
    outputs: ClassVar[Mapping[str, Kind]] = {"expired": "boolean", "revoked": "boolean", "token": "string"}
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"token"})

    def problems(self, inputs: State) -> Iterator[CheckFailure]:
        """Check that there is a scope, and the date."""
        if not inputs["scopes"]:
            yield CheckFailure("", f"scopes must name at least one of {', '.join(_SCOPES)}")
        if "expiresAt" in inputs and not is_unknown(inputs["expiresAt"]):
            expires_at = text(inputs, "expiresAt")
            moment = _moment(expires_at)
            if moment is None:
                form = "in RFC 3339 form, such as 2027-01-31T00:00:00Z"
                yield CheckFailure("", f"expiresAt must be {form}, not {expires_at!r}")
            elif inputs.get("validatePastExpirationDate") is True and moment < datetime.now(UTC):
                yield CheckFailure("", f"expiresAt must be in the future, not {expires_at}")

    def create(self, client: Client, name: str, inputs: State) -> State:  # noqa: ARG002 - for other types
        """POST the token."""
        project = text(inputs, "project")
        body = {"name": inputs["name"], "scopes": inputs["scopes"]}
        optional = {"username": inputs.get("username"), "expires_at": inputs.get("expiresAt")}
        body |= {key: value for key, value in optional.items() if value is not None}
        what = f"create deploy token {inputs['name']} of project {project}"
        reply = client.call("post", project_path(project, "deploy_tokens"), what, body=body)
        return _state(reply, project, inputs)

    def read(self, client: Client, resource_id: str, state: State) -> State | None:
        """GET the token, without its secret."""
        project, number = numbered_id(resource_id)
        what = f"read deploy token {number} of project {project}"
        try:
            reply = client.call("get", project_path(project, "deploy_tokens", number), what)
        except RefusalError as error:
            if error.status == 404:
                return None
            raise
        return _state(reply, project, state)

    def update(self, client: Client, state: State, inputs: State) -> State:  # noqa: ARG002 - GitLab has nothing for it
        """Refuse, as the official plugin does: there is nothing to change in place."""
        raise PluginError(
            f"validatePastExpirationDate of deploy token {state['id']} cannot become {_flag(inputs)} in place:"
            " leave it, or replace the token with `pulumi up --target-replace URN`."
        )

    def delete(self, client: Client, state: State) -> None:
        """DELETE the token."""
        project, number = numbered_id(text(state, "id"))
        what = f"delete deploy token {number} of project {project}"
        try:
            client.call("delete", project_path(project, "deploy_tokens", number), what)
        except RefusalError as error:
            if error.status != 404:
                raise


def _state(reply: Mapping[str, Any], project: str, known: State) -> State:
    """Give the outputs; the secret and the flag, which GitLab does not tell, are those known before."""
    state: State = {
        "id": f"{project}:{reply['id']}",
        "project": project,
        "scopes": reply["scopes"],
        "name": reply["name"],
        "username": reply["username"],
        "expired": reply["expired"],
        "revoked": reply["revoked"],
        "validatePastExpirationDate": _flag(known),
    }
    if reply["expires_at"] is not None:
        state["expiresAt"] = _known_spelling(reply["expires_at"], known)
    if "token" in reply or "token" in known:
        state["token"] = reply.get("token") or known["token"]
    return state


def _flag(values: State) -> bool:
    return values.get("validatePastExpirationDate") is True


def _known_spelling(told: str, known: State) -> str:
    """Keep the program's way to write the moment that GitLab tells, so that it is no difference."""
    written = known.get("expiresAt")
    moment = _moment(told)
    if isinstance(written, str) and _moment(written) == moment:
        return written
    return told if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo and "T" in written else None
