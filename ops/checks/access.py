"""The credential that jobs get: as it should be, and for its own namespace alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from components.outputs import AccessOutput
from ops import cli as tools
from ops import rights
from ops.checks.check import Check, why
from ops.gitlab import credential
from ops.ops_error import OpsError

BUILT_IN = ("default", "kube-node-lease", "kube-public", "kube-system")


@contextmanager
def as_job(
    access: AccessOutput[str], project: str, environment: str, *, protected: bool
) -> Iterator[tuple[Check, dict[str, str]]]:
    """Whether the variable of this scope is as it should be, and the environment of a job that gets it."""
    variable = credential.fetch(access["gitlabUrl"], project, environment)
    wanted = "file" if access["variable"] == "file" else "env_var"
    good = variable.masked and variable.protected == protected and variable.variable_type == wanted
    text = (
        f"GitLab {project}, environment {environment}: KUBECONFIG is masked, "
        f"{'protected' if protected else 'not protected'} and of type {wanted}"
    )
    with credential.as_job(variable, access["variable"]) as job:
        yield (good, text if good else f"{text}, but: {variable}"), job


def reads_only(namespace: str, job: Mapping[str, str]) -> Check:
    """The credential of previews changes nothing, runs nothing and reads no Secret."""
    text = f"{namespace}: the preview identity reads, but no Secrets, and may do nothing else"
    try:
        beyond = rights.beyond_reading(namespace, job)
    except OpsError as error:
        return False, f"{text}, but: {error}"
    return not beyond, text + (f", but it may: {', '.join(beyond)}" if beyond else "")


def accounts(namespace: str, job: Mapping[str, str]) -> Check:
    """Who else has access: whoever had the credential once may have made an account for later."""
    try:
        others = rights.others(namespace, job)
    except OpsError as error:
        return False, f"{namespace}: who else has access is not known: {error}"
    if others:
        return None, f"{namespace}: not made by this stack: {'; '.join(others)}"
    return True, f"{namespace}: every ServiceAccount, RoleBinding and token is the stack's own"


def reach(namespace: str, job: Mapping[str, str]) -> Iterator[Check]:
    """The credential reads all of its own namespace, and is Forbidden in every other one."""
    own = tools.run("kubectl", "get", "all", "-n", namespace, environment=job)
    yield own.returncode == 0, f"{namespace}: kubectl get all works" + ("" if own.returncode == 0 else why(own.stderr))
    listed = tools.run("kubectl", "get", "namespaces", "-o", "name")
    names = [name.removeprefix("namespace/") for name in listed.stdout.split()] if listed.returncode == 0 else BUILT_IN
    for other in sorted(set(names) - {namespace}):
        got = tools.run("kubectl", "get", "all", "-n", other, environment=job)
        forbidden = got.returncode != 0 and "(Forbidden)" in got.stderr and not got.stdout.strip()
        yield forbidden, f"{other}: kubectl get all is Forbidden" + ("" if forbidden else why(got.stderr))
    if listed.returncode:
        yield None, f"other namespaces could not be listed with your own kubeconfig{why(listed.stderr)}"
