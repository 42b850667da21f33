"""gitlab.ProjectEnvironment: an environment of a project (mirrors resource_gitlab_project_environment.go)."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pulumi.provider.experimental.provider import CheckFailure

from sandbox.plugins.gitlab.client import Client, PluginError, RefusalError, project_path
from sandbox.plugins.gitlab.resource import Input, Kind, Resource, numbered_id, text
from sandbox.plugins.gitlab.values import State, is_unknown

STOP_SECONDS = 5
"""How long an environment that is still stopping is given before it is asked to stop again."""


class ProjectEnvironment(Resource):
    """Its id is `project:number`. It can be deleted only once it is stopped, which `stopBeforeDestroy` sees to."""

    token = "gitlab:index/projectEnvironment:ProjectEnvironment"  # noqa: S105 - a type token
    inputs: ClassVar[Mapping[str, Input]] = {
        "project": Input(kind="string", required=True, replaces=True),
        "name": Input(kind="string", required=True, replaces=True),
        "description": Input(kind="string"),
        "externalUrl": Input(kind="string"),
        "tier": Input(kind="string", choices=("production", "staging", "testing", "development", "other")),
        "clusterAgentId": Input(kind="integer", clears=True),
        "kubernetesNamespace": Input(kind="string"),
        "fluxResourcePath": Input(kind="string"),
        "autoStopSetting": Input(kind="string", choices=("always", "with_action")),
        "stopBeforeDestroy": Input(kind="boolean", default=False),
    }
    outputs: ClassVar[Mapping[str, Kind]] = {
        "slug": "string",
        "state": "string",
        "createdAt": "string",
        "updatedAt": "string",
        "autoStopAt": "string",
    }

    def problems(self, inputs: State) -> Iterator[CheckFailure]:
        """Check that names are not empty, the URL's form, and what needs a cluster agent."""
        for name in ("project", "name"):
            if inputs[name] == "":
                yield CheckFailure("", f"{name} must not be empty")
        url = inputs.get("externalUrl")
        if url is not None and not is_unknown(url) and not re.fullmatch(r"\S+", str(url)):
            yield CheckFailure("", f"externalUrl must not be empty or hold whitespace, got {url!r}")
        needs = {
            "kubernetesNamespace": ("clusterAgentId",),
            "fluxResourcePath": ("clusterAgentId", "kubernetesNamespace"),
        }
        for name, needed in needs.items():
            if name in inputs and (missing := [other for other in needed if other not in inputs]):
                yield CheckFailure("", f"{name} needs {' and '.join(missing)} as well")

    def create(self, client: Client, name: str, inputs: State) -> State:  # noqa: ARG002 - for other types
        """POST the environment."""
        project = text(inputs, "project")
        what = f"create environment {inputs['name']} of project {project}"
        reply = client.call("post", project_path(project, "environments"), what, body=_body(inputs))
        return _state(reply, project, inputs)

    def read(self, client: Client, resource_id: str, state: State) -> State | None:
        """GET the environment."""
        project, _ = numbered_id(resource_id)
        reply = _read(client, resource_id)
        return None if reply is None else _state(reply, project, state)

    def update(self, client: Client, state: State, inputs: State) -> State:
        """PUT what is set; without a cluster agent, a second PUT clears the agent and what belongs to it."""
        project, number = numbered_id(text(state, "id"))
        path = project_path(project, "environments", number)
        what = f"update environment {number} of project {project}"
        reply = client.call("put", path, what, body={"external_url": "", **_body(inputs)})
        if "clusterAgentId" not in inputs:
            none = {"cluster_agent_id": None, "kubernetes_namespace": None, "flux_resource_path": None}
            reply = client.call("put", path, what, body=none)
        return _state(reply, project, inputs)

    def delete(self, client: Client, state: State) -> None:
        """Stop the environment where asked, then DELETE it; raises PluginError where it is not stopped."""
        resource_id = text(state, "id")
        project, number = numbered_id(resource_id)
        reply = _read(client, resource_id)
        if reply is not None and state.get("stopBeforeDestroy") is True:
            reply = _stop(client, resource_id, force=state.get("autoStopSetting") == "with_action")
        if reply is None:
            return
        if reply["state"] != "stopped":
            raise PluginError(
                f"Environment {number} of project {project} is {reply['state']}, and only a stopped one can be deleted:"
                " set stopBeforeDestroy and run `pulumi up` first, or stop it in GitLab."
            )
        what = f"delete environment {number} of project {project}"
        client.call("delete", project_path(project, "environments", number), what)


def _read(client: Client, resource_id: str) -> dict[str, Any] | None:
    project, number = numbered_id(resource_id)
    what = f"read environment {number} of project {project}"
    try:
        return client.call("get", project_path(project, "environments", number), what)
    except RefusalError as error:
        if error.status == 404:
            return None
        raise


def _stop(client: Client, resource_id: str, *, force: bool) -> dict[str, Any] | None:
    """Ask to stop, and if it is still stopping after a while once more, which GitLab refuses where it is stopped."""
    project, number = numbered_id(resource_id)
    path = project_path(project, "environments", number, "stop")
    what = f"stop environment {number} of project {project}"
    client.call("post", path, what, body={"force": force})
    reply = _read(client, resource_id)
    if reply is None or reply["state"] == "stopped":
        return reply
    time.sleep(STOP_SECONDS)
    try:
        client.call("post", path, what)
    except RefusalError as error:
        if error.status != 400:
            raise
    return _read(client, resource_id)


def _body(inputs: State) -> dict[str, Any]:
    """Give the fields that are set."""
    fields = {
        "name": "name",
        "description": "description",
        "externalUrl": "external_url",
        "tier": "tier",
        "kubernetesNamespace": "kubernetes_namespace",
        "fluxResourcePath": "flux_resource_path",
        "autoStopSetting": "auto_stop_setting",
    }
    body: dict[str, Any] = {field: inputs[name] for name, field in fields.items() if name in inputs}
    agent = inputs.get("clusterAgentId")
    return body | ({"cluster_agent_id": int(agent)} if isinstance(agent, float) else {})


def _state(reply: Mapping[str, Any], project: str, known: State) -> State:
    """Give the outputs, `stopBeforeDestroy` as known before."""
    state: State = {
        "id": f"{project}:{reply['id']}",
        "project": project,
        "name": reply["name"],
        "description": reply.get("description") or "",
        "externalUrl": reply.get("external_url") or "",
        "tier": reply.get("tier") or "",
        "kubernetesNamespace": reply.get("kubernetes_namespace") or "",
        "fluxResourcePath": reply.get("flux_resource_path") or "",
        "autoStopSetting": reply.get("auto_stop_setting") or "",
        "slug": reply["slug"],
        "state": reply["state"],
        "createdAt": reply["created_at"],
        "updatedAt": reply["updated_at"],
        "stopBeforeDestroy": known.get("stopBeforeDestroy", False),
    }
    if reply.get("auto_stop_at"):
        state["autoStopAt"] = reply["auto_stop_at"]
    if reply.get("cluster_agent"):
        state["clusterAgentId"] = float(reply["cluster_agent"]["id"])
    return state
