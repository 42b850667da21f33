"""The function gitlab.getProject: what GitLab tells of a project (mirrors data_source_gitlab_project.go)."""

from typing import Any

from sandbox.plugins.gitlab.client import Client, PluginError, project_path
from sandbox.plugins.gitlab.values import State

TOKEN = "gitlab:index/getProject:getProject"  # noqa: S105 - a function token


def get_project(client: Client, args: State) -> State:
    """Look a project up by `id` or by `pathWithNamespace`.

    Gives the project's flags, numbers, texts and lists of texts, its namespace, and no push rules, which only the
    paid tiers have. The runners' token is left out. Raises PluginError where there is no such project.
    """
    project = args.get("id") or args.get("pathWithNamespace")
    if not isinstance(project, str) or {"id", "pathWithNamespace"} <= args.keys():
        raise PluginError("gitlab.getProject needs either id or pathWithNamespace.")
    reply = client.call("get", project_path(project), f"read project {project}")
    result: State = {
        _camel_case(key): value for key, value in reply.items() if _is_simple(value) and key != "runners_token"
    }
    namespace = reply["namespace"]
    return result | {
        "id": str(reply["id"]),
        "namespaceId": namespace["id"],
        "namespaces": [{_camel_case(key): namespace[key] for key in ("id", "name", "path", "kind", "full_path")}],
        "visibilityLevel": reply["visibility"],
        "pushRules": [],
    }


def _is_simple(value: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | bool | int)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
