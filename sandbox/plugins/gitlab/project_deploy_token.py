"""gitlab.ProjectDeployToken: a deploy token of a project (mirrors resource_gitlab_project_deploy_token.go)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn

from sandbox.plugins.gitlab.client import ApiError, Client, PluginError, project_path
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
    """Its id is `project:number`. GitLab shows `token` once, at the creation, so it is kept from there."""

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

    def problems(self, inputs: State) -> Iterator[str]:
        """Check that there is a scope, and the form of the date."""
        if not inputs["scopes"]:
            yield f"scopes must name at least one of {', '.join(_SCOPES)}"
        if "expiresAt" in inputs and not is_unknown(inputs["expiresAt"]) and _moment(text(inputs, "expiresAt")) is None:
            form = "in RFC 3339 form, such as 2027-01-31T00:00:00Z"
            yield f"expiresAt must be {form}, not {inputs['expiresAt']!r}"

    def create(self, client: Client, inputs: State) -> State:
        """POST the token."""
        project = text(inputs, "project")
        body = {"name": inputs["name"], "scopes": inputs["scopes"]}
        optional = {"username": inputs.get("username"), "expires_at": inputs.get("expiresAt")}
        body |= {key: value for key, value in optional.items() if value is not None}
        moment = _moment(text(inputs, "expiresAt")) if "expiresAt" in inputs else None
        now = datetime.now(UTC)
        if moment and inputs.get("validatePastExpirationDate") is True and moment < now:
            written = [at.isoformat(timespec="seconds").replace("+00:00", "Z") for at in (moment, now)]
            raise PluginError(
                "Error creating GitLab ProjectDeployToken",
                f"Expiry date {written[0]} must be in the future. Current time is {written[1]}",
            )
        try:
            reply = client.call("post", project_path(project, "deploy_tokens"), body=body)
        except ApiError as error:
            _raise(error, "creating GitLab ProjectDeployToken", "create GitLab ProjectDeployToken")
        return _state(reply, project, inputs)

    def read(self, client: Client, resource_id: str, state: State) -> State | None:
        """GET the token, without its secret."""
        project, number = numbered_id(resource_id)
        try:
            reply = client.call("get", project_path(project, "deploy_tokens", number))
        except ApiError as error:
            if error.status == 404:
                return None
            _raise(error, "reading GitLab ProjectDeployToken", "read GitLab ProjectDeployToken")
        return _state(reply, project, state)

    def update(self, client: Client, state: State, inputs: State) -> State:  # noqa: ARG002 - GitLab has nothing for it
        """Refuse, as the official plugin does: there is nothing to change in place."""
        raise PluginError(
            "Provider Error, report upstream",
            "Somehow the resource was requested to perform an in-place upgrade which is not possible.",
        )

    def delete(self, client: Client, state: State) -> None:
        """DELETE the token; one that is gone already is an error, officially."""
        project, number = numbered_id(text(state, "id"))
        try:
            client.call("delete", project_path(project, "deploy_tokens", number))
        except ApiError as error:
            _raise(error, "deleting project deploy token", "delete project deploy token")


def _raise(error: ApiError, doing: str, do: str) -> NoReturn:
    raise PluginError(f"Error {doing}", f"Could not {do}, unexpected error: {error}") from None


def _state(reply: Mapping[str, Any], project: str, known: State) -> State:
    """Return the outputs; the secret and the flag, which GitLab does not show, are those known before."""
    state: State = {
        "id": f"{project}:{reply['id']}",
        "project": project,
        "scopes": reply["scopes"],
        "name": reply["name"],
        "username": reply["username"],
        "expired": reply["expired"],
        "revoked": reply["revoked"],
        "validatePastExpirationDate": known.get("validatePastExpirationDate") is True,
    }
    if reply["expires_at"] is not None:
        state["expiresAt"] = _spelled(reply["expires_at"], known)
    if "token" in reply or "token" in known:
        state["token"] = reply.get("token") or known["token"]
    return state


def _spelled(answered: str, known: State) -> str:
    """Return GitLab's moment; the program's spelling is kept for `+00:00` in place of `Z`, and for no other offset.

    That is timetypes.RFC3339's idea of equality. With another offset each preview has a difference, officially.
    """
    moment = datetime.fromisoformat(answered).astimezone(UTC)
    spelled = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    written = known.get("expiresAt")
    return written if isinstance(written, str) and written.replace("+00:00", "Z") == spelled else spelled


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo and "T" in written else None
