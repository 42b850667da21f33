"""Which cluster the kubeconfig leads to, and what of a stack's objects exists there, read before anything is declared.

An object is the stack's own if it carries the stack's id, or is the very object in the stack's state (by its uid).
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pulumi

from components import stack_state
from components.cluster import ingresses
from components.cluster.kubectl import Kubectl, current_server, kubectl
from components.cluster.needed import Needed, forbidden, missing, needed, root_problem
from components.cluster.ownership import STACK_ID
from components.cluster.planned import Planned, planned
from components.cluster.taken_over import taken_over
from components.outputs import ClusterOutput
from components.printable import printable, printable_lines
from components.settings.settings import Settings

DEFAULT_DENY = "default-deny"
"""Name of the NetworkPolicy that denies all traffic in a namespace of the block `access`."""


@dataclass(frozen=True, kw_only=True)
class ClusterCheck:
    """What was read. An object that the credential may not read is left out."""

    run: Kubectl = kubectl
    replicas: int | None = None
    """The number of Pods that the Deployment has been given; None if it does not exist."""
    failed_jobs: Mapping[str, str] = field(default_factory=dict)
    """The uids of Jobs that have failed, by name."""
    found: Mapping[tuple[str, str | None, str], Mapping[str, Any]]
    """The metadata of what exists, by kind, namespace and name."""
    unreadable: frozenset[tuple[str, str]] = frozenset()
    """Kind, in small letters and plural, and name of what the credential may not read."""
    ingress_classes: Mapping[str, bool] | None = None
    """Which the cluster has, and whether each is the default; None if that is not known or not of interest."""

    @cached_property
    def server(self) -> str:
        """Address of the API server, which messages and a first run name: kubectl is asked for it then."""
        return printable(current_server(run=self.run).stdout) or "the cluster of this Pod"

    def uid_of(self, namespace: str) -> str | None:
        """The uid of a Namespace; None if it does not exist or may not be read."""
        metadata = self.found.get(("Namespace", None, namespace))
        return str(metadata["uid"]) if metadata else None

    def denies(self, namespace: str | None) -> bool:
        """Whether the namespace denies all traffic that no NetworkPolicy allows."""
        return ("NetworkPolicy", namespace, DEFAULT_DENY) in self.found

    @property
    def uid(self) -> str | None:
        """The uid of the cluster, which is that of kube-system."""
        return self.uid_of("kube-system")


class UnreadableError(Exception):
    """What exists on the cluster cannot be read: kubectl's reason."""


class Reading:
    """The look at the cluster, which begins at once, beside what else is checked."""

    def __init__(self, stack: Settings, run: Kubectl = kubectl) -> None:
        self._check: ClusterCheck | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._look, args=(stack, run), daemon=True)
        self._thread.start()

    def succeeds_within(self, seconds: float) -> bool:
        """Whether the cluster was read by then."""
        self._thread.join(seconds)
        return self._check is not None

    def result(self) -> ClusterCheck:
        """What was read; UnreadableError if it could not be."""
        self._thread.join()
        if self._check is None:
            raise self._error or UnreadableError("kubectl failed")
        return self._check

    def _look(self, stack: Settings, run: Kubectl) -> None:
        try:
            self._check = look(stack, run)
        except Exception as error:
            self._error = error


def require(
    stack: Settings,
    own_id: str,
    previous: ClusterOutput[str] | None,
    adopted: frozenset[str] = frozenset(),
    *,
    reading: Reading,
) -> ClusterCheck | None:
    """What is on the cluster; RunError, which Pulumi shows with no traceback, if it is another one or in the way.

    `adopted` are the uids of what somebody else made and this run takes over. None if it cannot be asked, which is a
    warning in a preview and an error otherwise.
    """
    try:
        check = reading.result()
    except UnreadableError as error:
        text = f"Whether objects of other owners are in the way cannot be seen: {error}"
        if not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(f"Nothing was changed: {text}") from error
        pulumi.log.warn(text)
        return None
    name = stack.scalars.cluster
    problem = moved(previous, check, name, stack.namespace)
    if problem:
        raise pulumi.RunError(f"Nothing was changed: {problem}")
    if stack.access and not stack.access.create_namespace and _is_missing(check, stack.access.namespace):
        raise pulumi.RunError(
            f"Nothing was changed: the namespace {stack.access.namespace} does not exist; create it, or take out "
            "access.createNamespace"
        )
    if previous is None:
        _require_rights(stack, check, check.run)
    gone = being_deleted(planned(stack), check, stack.namespace)
    if gone:
        lines = "".join(f"\n  {item}" for item in gone)
        raise pulumi.RunError(
            f"Nothing was changed: on the cluster '{name}' at {check.server} there is what this stack would make, and "
            f"it is being deleted:{lines}\n  Run the same command again once it is gone"
        )
    found = foreign(planned(stack), check, own_id, lambda: uids_in_state(stack_state.read_resources()) | adopted)
    if found:
        lines = "".join(f"\n  {item} {owner_of(metadata)}; {item.remedy}" for item, metadata in found)
        raise pulumi.RunError(
            f"Nothing was changed: on the cluster '{name}' at {check.server} there is what this stack would make, "
            f"and it belongs to somebody else:{lines}\n  If the stack is to take it over, run 'python -m ops adopt "
            f"--stack {stack.stack}', which shows what that would do"
        )
    for text in unserved(stack, check):
        pulumi.log.warn(text)
    _require_needed(stack, check)
    _warn_of_changes(stack, check)
    return check


def _require_rights(stack: Settings, check: ClusterCheck, run: Kubectl) -> None:
    """RunError if the API server would refuse the namespace, which it would do after other parts were made."""
    if not (stack.access and stack.access.create_namespace) or check.uid_of(stack.access.namespace):
        return
    if run("auth", "can-i", "create", "namespaces", "--quiet").returncode:
        raise pulumi.RunError(
            "Nothing was changed: the credential of the kubeconfig's current context may not create the namespace "
            f"{stack.access.namespace} at {check.server}; choose another context with 'kubectl config use-context "
            "NAME', or have it created and set access.createNamespace to false"
        )


def look(stack: Settings, run: Kubectl = kubectl) -> ClusterCheck:
    """Reads the cluster, by kubectl; UnreadableError if it does not say, but for what is Forbidden."""
    namespaces = dict.fromkeys(["kube-system", *([stack.namespace] if stack.namespace else [])])
    items: list[object] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces]
    items += [item.manifest for item in planned(stack) if item.kind != "Namespace"]
    if stack.from_manifests and not stack.access:
        # Of the stack that has made the namespace.
        items.append(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": DEFAULT_DENY, "namespace": stack.namespace},
            }
        )
    items += [item.manifest for item in needed(stack)]
    get = ("get", "--filename", "-", "--ignore-not-found", "--show-managed-fields", "--output", "json")
    try:
        asked = run(*get, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    except FileNotFoundError as error:
        raise UnreadableError("there is no kubectl on PATH") from error
    refused = [line for line in printable_lines(asked.stderr) if "(Forbidden)" not in line]
    if asked.returncode and (refused or not asked.stderr.strip()):
        raise UnreadableError(refused[-1] if refused else "kubectl failed")
    answer = json.loads(asked.stdout) if asked.stdout.strip() else {"items": []}
    found: dict[tuple[str, str | None, str], Mapping[str, Any]] = {}
    replicas, failed_jobs = None, {}
    for item in answer.get("items", [answer]):
        metadata = item["metadata"]
        found[item["kind"], metadata.get("namespace"), metadata["name"]] = metadata
        if item["kind"] == "Deployment":
            replicas = item.get("spec", {}).get("replicas")
        if item["kind"] == "Job" and _has_failed(item):
            failed_jobs[metadata["name"]] = metadata["uid"]
    return ClusterCheck(
        run=run,
        found=found,
        replicas=replicas,
        failed_jobs=failed_jobs,
        unreadable=forbidden(asked.stderr),
        ingress_classes=ingresses.classes(run) if ingresses.ingresses(stack) else None,
    )


def moved(previous: ClusterOutput[str] | None, check: ClusterCheck, name: str, namespace: str | None) -> str | None:
    """Why this is not the cluster on which the stack was put up, or None; another name says that a move is meant."""
    if previous is None or previous["name"] != name:
        return None
    now, then, of = check.uid, previous["uid"], "kube-system"
    if now is None or then is None:
        now, then, of = namespace and check.uid_of(namespace), previous["namespaceUid"], f"namespace {namespace}"
    if now is None or then is None or now == then:
        return None
    return (
        f"the kubeconfig leads to {check.server}, and this stack was put up on another cluster, '{name}' at "
        f"{previous['server']} (uid of {of}: {now} here, {then} there); point KUBECONFIG at that one, or, if the "
        "stack is to move, say so with 'pulumi config set gitlab-deploy:cluster NEWNAME'"
    )


def being_deleted(wanted: Sequence[Planned], check: ClusterCheck, namespace: str | None) -> list[str]:
    """Each object of the stack, and its namespace, that still exists and is about to go, with the time since when.

    The API server would take a change of it without a word, and it would be gone a moment later.
    """
    names = {("Namespace", None, namespace): f"Namespace {namespace}"} | {item.key: str(item) for item in wanted}
    return [
        f"{names[key]}, since {metadata['deletionTimestamp']}"
        for key, metadata in check.found.items()
        if key in names and "deletionTimestamp" in metadata
    ]


def foreign(
    wanted: Sequence[Planned], check: ClusterCheck, own_id: str, read_uids: Callable[[], frozenset[str]]
) -> list[tuple[Planned, Mapping[str, Any]]]:
    """Each object that the stack would make and that exists as somebody else's, with its metadata.

    `read_uids` reads which objects are the stack's own, whatever their labels; it is called if one has not its id.
    """
    unlabelled = [
        (item, check.found[item.key])
        for item in wanted
        if item.key in check.found and (check.found[item.key].get("labels") or {}).get(STACK_ID) != own_id
    ]
    own = read_uids() if unlabelled else frozenset()
    return [(item, metadata) for item, metadata in unlabelled if metadata["uid"] not in own]


def owner_of(metadata: Mapping[str, Any]) -> str:
    """When an object was made and by whom, from what it says itself."""
    labels = metadata.get("labels") or {}
    fields = [entry for entry in metadata.get("managedFields") or () if entry.get("manager")]
    facts = [f"by {printable(fields[0]['manager'])}"] if fields else []
    if STACK_ID in labels:
        facts.append(f"in the stack with the id {printable(labels[STACK_ID])}")
    if "app.kubernetes.io/managed-by" in labels:
        facts.append(f"managed by {printable(labels['app.kubernetes.io/managed-by'])}")
    return f"was made on {metadata['creationTimestamp']}{''.join(f', {fact}' for fact in facts)}"


def uids_in_state(resources: Sequence[stack_state.StateResource]) -> frozenset[str]:
    """The uids of the stack's objects."""
    metadata = [resource.outputs.get("metadata") for resource in resources]
    return frozenset(str(found["uid"]) for found in metadata if isinstance(found, Mapping) and "uid" in found)


def output(
    name: str, check: ClusterCheck | None, previous: ClusterOutput[str] | None, namespace: str | None
) -> ClusterOutput[pulumi.Input[str]]:
    """What the next run knows the cluster by: as it was, as far as this run does not see it."""
    known = previous if previous and previous["name"] == name else None
    uid, namespace_uid = (check.uid, check.uid_of(namespace or "")) if check else (None, None)
    return {
        "name": name,
        # Of the run that saw the cluster first: another address is no change.
        "server": (known and known["server"]) or (check.server if check else ""),
        "uid": (known and known["uid"]) or uid,
        "namespaceUid": namespace_uid or (known and known["namespaceUid"]),
    }


def unmet(stack: Settings, check: ClusterCheck) -> list[str]:
    """What the stack needs of the namespace and that is not there, or forbids its Pods: each with the way out."""
    items = [item for item in _missing(stack, check) if not item.later]
    namespace = check.found.get(("Namespace", None, stack.namespace or ""), {})
    makes_it = stack.access is not None and stack.access.create_namespace
    refused = None if makes_it else root_problem(stack, namespace)
    return [
        *(f"{item}, does not exist; create it, or take it out there" for item in items),
        *([refused] if refused else []),
    ]


def unserved(stack: Settings, check: ClusterCheck) -> list[str]:
    """What the stack's Ingresses lack, which may come later: each with the way out."""
    return [
        *ingresses.missing_classes(stack, check.ingress_classes),
        *ingresses.without_class(stack, check.ingress_classes),
        *(
            f"{item}, does not exist; until somebody makes it, such as cert-manager, the Ingress has the certificate "
            "of its controller"
            for item in _missing(stack, check)
            if item.later
        ),
    ]


def _missing(stack: Settings, check: ClusterCheck) -> list[Needed]:
    own = {item.key for item in planned(stack)}
    return [item for item in missing(stack, check.found, check.unreadable) if item.key not in own]


def _require_needed(stack: Settings, check: ClusterCheck) -> None:
    """RunError if something is unmet; a warning as long as nobody could have made it in the stack's own namespace."""
    problems = unmet(stack, check)
    if problems and stack.access and stack.access.create_namespace and _is_missing(check, stack.access.namespace):
        listed = "".join(f"\n  {problem}" for problem in problems)
        pulumi.log.warn(f"Once the namespace {stack.access.namespace} is there, this has to be made in it:{listed}")
    elif problems:
        raise pulumi.RunError("".join(["Nothing was changed:", *(f"\n  {problem}" for problem in problems)]))


def _warn_of_changes(stack: Settings, check: ClusterCheck) -> None:
    for item in planned(stack):
        fields = taken_over(check.found.get(item.key, {}))
        if fields:
            pulumi.log.warn(
                f"{item} was changed with kubectl: {fields}. The next change that this stack makes to it takes that "
                "away again; put what is to stay into the stack file"
            )


def _is_missing(check: ClusterCheck, namespace: str) -> bool:
    # Whoever may read kube-system may read every namespace.
    return check.uid is not None and check.uid_of(namespace) is None


def _has_failed(job: Mapping[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Failed" and condition["status"] == "True" for condition in conditions)
