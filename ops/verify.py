"""`python -m ops verify`: does the stack do what it is for, and no more, seen with the credential its jobs get?"""

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, cast

from components.web_app import SERVICE_PORT
from ops import credential, tools
from ops.errors import OpsError

BUILT_IN = ("default", "kube-node-lease", "kube-public", "kube-system")
Check = tuple[bool, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--url", help="also fetch this address, such as the site's own", metavar="URL")
    parser.add_argument("--expect", help="text the answer from --url has to hold", metavar="TEXT")


def run(arguments: argparse.Namespace) -> int:
    """Prints one line for each check; 1 where one failed."""
    outputs = _outputs()
    access, app = outputs.get("access"), outputs.get("app")
    if not access and not app:
        raise OpsError("The selected stack has no outputs to check; run 'pulumi up' first")
    count = failed = 0
    for passed, text in _checks(access, app, arguments.url, arguments.expect):
        print(f"{'ok  ' if passed else 'FAIL'}  {text}", flush=True)
        count += 1
        failed += not passed
    print(f"{count - failed} of {count} checks passed", flush=True)
    return 1 if failed else 0


def _checks(
    access: dict[str, str] | None, app: dict[str, str] | None, url: str | None, expect: str | None
) -> Iterator[Check]:
    if access:
        variable = credential.fetch(access["gitlabUrl"], access["gitlabProject"], access["environment"])
        wanted = "file" if access["variable"] == "file" else "env_var"
        where = f"GitLab {access['gitlabProject']}, environment {access['environment']}"
        good = variable.masked and variable.protected and variable.variable_type == wanted
        text = f"{where}: KUBECONFIG is masked, protected and of type {wanted}"
        yield good, text if good else f"{text}, but: {variable}"
        with credential.as_job(variable, access["variable"]) as job:
            yield from _reach(access["namespace"], job)
            if app:
                yield from _serving(app, job)
    elif app:
        yield from _serving(app, {})
    if url:
        yield _answer(url, expect)


def _reach(namespace: str, job: Mapping[str, str]) -> Iterator[Check]:
    """The credential reads all of its own namespace, and is Forbidden in every other one."""
    own = tools.run("kubectl", "get", "all", "-n", namespace, environment=job)
    yield own.returncode == 0, f"{namespace}: kubectl get all works" + ("" if own.returncode == 0 else _why(own.stderr))
    listed = tools.run("kubectl", "get", "namespaces", "-o", "name")
    names = [name.removeprefix("namespace/") for name in listed.stdout.split()] if listed.returncode == 0 else BUILT_IN
    for other in sorted(set(names) - {namespace}):
        got = tools.run("kubectl", "get", "all", "-n", other, environment=job)
        forbidden = got.returncode != 0 and "(Forbidden)" in got.stderr and not got.stdout.strip()
        yield forbidden, f"{other}: kubectl get all is Forbidden" + ("" if forbidden else _why(got.stderr))
    if listed.returncode:
        yield True, f"other namespaces could not be listed with your own kubeconfig{_why(listed.stderr)}"


def _serving(app: Mapping[str, str], job: Mapping[str, str]) -> Iterator[Check]:
    """Every Pod behind the Service runs the stack's image, and the Service answers over HTTP."""
    namespace, service, image = app["namespace"], app["service"], app["image"]
    selector = f"app.kubernetes.io/name={service}"
    found = tools.run("kubectl", "get", "pods", "-n", namespace, "-l", selector, "-o", "json", environment=job)
    if found.returncode:
        yield False, f"{namespace}: the Pods could not be listed{_why(found.stderr)}"
        return
    pods = [pod for pod in json.loads(found.stdout)["items"] if _is_serving(pod)]
    current = [pod for pod in pods if pod["spec"]["containers"][0]["image"] == image]
    yield (
        len(pods) == len(current) > 0,
        f"{namespace}: {len(current)} of {len(pods)} Pods behind Service {service} run {image}",
    )
    path = f"/api/v1/namespaces/{namespace}/services/http:{service}:{SERVICE_PORT}/proxy/"
    answer = tools.run("kubectl", "get", "--raw", path, environment=job)
    yield (
        answer.returncode == 0,
        f"{namespace}: Service {service} answers over HTTP"
        + (f", {len(answer.stdout)} characters" if answer.returncode == 0 else _why(answer.stderr)),
    )


def _is_serving(pod: Mapping[str, Any]) -> bool:
    conditions = {item["type"]: item["status"] for item in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _answer(url: str, expect: str | None) -> Check:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - the user's own address
            body = response.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        return False, f"{url}: does not answer ({error})"
    if expect is not None and expect not in body:
        return False, f"{url}: the answer does not hold {expect!r}"
    return True, f"{url}: answers" + (f", and holds {expect!r}" if expect is not None else "")


def _outputs() -> dict[str, dict[str, str] | None]:
    found = tools.run("pulumi", "stack", "output", "--json", "--non-interactive")
    if found.returncode:
        raise OpsError(f"The selected stack's outputs cannot be read ({tools.last_line(found.stderr)}); select a stack")
    return cast("dict[str, dict[str, str] | None]", json.loads(found.stdout or "{}"))


def _why(stderr: str) -> str:
    return f", but: {tools.last_line(stderr)}"
