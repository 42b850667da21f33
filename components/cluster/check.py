"""Whether a run may go on with what there is on the cluster, before anything is declared.

An object is the stack's own if it carries the stack's id, or is the very object in the stack's state (by its uid).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi

from components import stack_state
from components.cluster import ingresses
from components.cluster.key import Key
from components.cluster.kubectl import Kubectl
from components.cluster.needed import Needed, missing, root_problem
from components.cluster.ownership import STACK_ID
from components.cluster.planned import Planned, planned
from components.cluster.reading import ClusterCheck, Reading, UnreadableError
from components.cluster.taken_over import taken_over
from components.outputs import ClusterOutput
from components.printable import printable
from components.settings.settings import Settings


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
    names = {Key.of_namespace(namespace or ""): f"Namespace {namespace}"} | {item.key: str(item) for item in wanted}
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
    namespace = check.namespace(stack.namespace or "")
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
