"""The application on the cluster: its Pods, and its Service."""

import argparse
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from components.cluster.kubectl import get_raw
from components.outputs import AppOutput
from ops import cli as tools
from ops.checks.check import Check, holds, why

_OWN_ANSWER = re.compile(
    r"^(?:Error from server|error: .*) ?\((NotFound|Unauthorized|MethodNotAllowed)\)", re.MULTILINE
)
"""How kubectl shows an answer that the application itself has given through the API server."""


def serving(app: AppOutput[str], job: Mapping[str, str], arguments: argparse.Namespace) -> Iterator[Check]:
    """Every Pod behind the Service runs the stack's image, and the Service answers over HTTP."""
    namespace, service, image = app["namespace"], app.get("service"), app["image"]
    name = service or app.get("worker")
    if name is None:
        yield None, f"{namespace}: no Service leads to {image}, so that nothing can be asked"
        return
    kind = "service" if service else "deployment"
    asked = tools.run("kubectl", "get", kind, name, "-n", namespace, "-o", "json", environment=job)
    if asked.returncode:
        yield False, f"{namespace}: the {kind} {name} could not be read{why(asked.stderr)}"
        return
    spec = json.loads(asked.stdout)["spec"]
    labels = spec["selector"] if service else spec["selector"]["matchLabels"]
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    found = tools.run("kubectl", "get", "pods", "-n", namespace, "-l", selector, "-o", "json", environment=job)
    if found.returncode:
        yield False, f"{namespace}: the Pods could not be listed{why(found.stderr)}"
        return
    pods = [pod for pod in json.loads(found.stdout)["items"] if _is_serving(pod)]
    current = [pod for pod in pods if image in {container["image"] for container in pod["spec"]["containers"]}]
    yield (
        len(pods) == len(current) > 0,
        f"{namespace}: {len(current)} of {len(pods)} Pods {'behind Service' if service else 'of'} {name} run {image}",
    )
    if service is None:
        return
    port = min(spec["ports"], key=lambda item: (item.get("name") != "http", spec["ports"].index(item)))["port"]
    path = f"/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy{arguments.path or '/'}"
    answer = get_raw(path, run=_kubectl, environment=job)
    where = f"{namespace}: Service {service} answers over HTTP"
    own_answer = arguments.path is None and _OWN_ANSWER.search(answer.stderr)
    if own_answer:
        # Not every application has a page at its root, or shows it to everybody.
        yield True, f"{where}, with {own_answer[1]}"
    elif answer.returncode:
        yield False, f"{where}{why(answer.stderr)}"
    else:
        yield holds(where, answer.stdout, arguments)


def _kubectl(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
    return tools.run("kubectl", *arguments, **how)


def _is_serving(pod: Mapping[str, Any]) -> bool:
    conditions = {item["type"]: item["status"] for item in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
