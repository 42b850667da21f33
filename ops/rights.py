"""What a credential may do in a namespace, and who else may act there: asked of the API server itself."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from ops import cli as tools
from ops.ops_error import OpsError

Job = Mapping[str, str]
"""The environment of a job that has the credential."""
Rule = Mapping[str, Any]

READING = ("get", "list", "watch")
CHANGING = ("create", "update", "patch", "delete", "deletecollection")
_CHANGED = (
    ("", "pods"),
    ("", "services"),
    ("", "configmaps"),
    ("", "serviceaccounts"),
    ("apps", "deployments"),
    ("batch", "jobs"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
)
_ACTIONS = ("exec", "attach", "portforward", "proxy", "ephemeralcontainers", "token")
"""Subresources that run something, reach something or make a credential, even by a `get`."""
_ASKED = (
    *product(CHANGING, _CHANGED, ("",)),
    *product((*READING, *CHANGING), (("", "secrets"),), ("",)),
    *product(("get", "create", "update", "patch"), (("", "pods"),), _ACTIONS[:-1]),
    *product(("get", "create"), (("", "services"),), ("proxy",)),
    ("create", ("", "serviceaccounts"), "token"),
    ("impersonate", ("", "serviceaccounts"), ""),
    *product(("bind", "escalate"), (("rbac.authorization.k8s.io", "roles"),), ("",)),
)
_ACCOUNTS = {
    "ServiceAccount": "kubernetes:core/v1:ServiceAccount",
    "RoleBinding": "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    "Secret": "kubernetes:core/v1:Secret",
}
"""What gives access to a namespace -> its type in a Pulumi state."""


def beyond_reading(namespace: str, job: Job) -> list[str]:
    """What the credential may do in the namespace besides reading what is no Secret, as `VERB RESOURCE`.

    The API server lists all the rules of RBAC (SelfSubjectRulesReview). Other authorizers it may not be able to list:
    the actions that matter most are asked one by one too. OpsError if it does not answer.
    """
    group = "authorization.k8s.io/v1"
    rules = {"apiVersion": group, "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    questions = [
        {
            "apiVersion": group,
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": {
                    "namespace": namespace,
                    "verb": verb,
                    "group": group_of,
                    "resource": resource,
                    "subresource": subresource,
                }
            },
        }
        for verb, (group_of, resource), subresource in _ASKED
    ]
    listed, *answers = _review([rules, *questions], job)
    found = {action for rule in listed.get("resourceRules", []) for action in _beyond(rule)}
    for (verb, (_, resource), subresource), answer in zip(_ASKED, answers, strict=True):
        if answer["allowed"]:
            found.add(f"{verb} {resource}/{subresource}" if subresource else f"{verb} {resource}")
    return sorted(found)


def others(namespace: str, job: Job) -> list[str]:
    """ServiceAccounts, RoleBindings and tokens in the namespace that are not in the state of the selected stack.

    Kubernetes itself makes the ServiceAccount `default`. OpsError if they, or the state, cannot be read.
    """
    known = _state()
    token = ("--field-selector", "type=kubernetes.io/service-account-token")
    found = [*_get("serviceaccounts,rolebindings", namespace, job), *_get("secrets", namespace, job, *token)]
    lines = []
    for item in found:
        kind, name = item["kind"], item["metadata"]["name"]
        if (kind, f"{namespace}/{name}") in known or (kind, name) == ("ServiceAccount", "default"):
            continue
        if kind == "RoleBinding":
            subjects = ", ".join(f"{subject['kind']} {subject['name']}" for subject in item.get("subjects", []))
            what = f"{kind} {name} ({item['roleRef']['kind']} {item['roleRef']['name']} for {subjects or 'nobody'})"
        elif kind == "Secret":
            account = item["metadata"].get("annotations", {}).get("kubernetes.io/service-account.name")
            what = f"{kind} {name} (a token of ServiceAccount {account})"
        else:
            what = f"{kind} {name}"
        # Names of RBAC may hold anything but a slash: nothing of them acts on a terminal or starts a line.
        lines.append("".join(char if char.isprintable() else ascii(char)[1:-1] for char in what))
    return sorted(lines)


def _beyond(rule: Rule) -> Iterator[str]:
    groups = set(rule.get("apiGroups", []))
    # Every account may ask who it is and what it may.
    about_itself = groups <= {"authentication.k8s.io", "authorization.k8s.io"}
    for verb, resource in product(rule["verbs"], rule.get("resources", [])):
        kind, _, subresource = resource.partition("/")
        asks = about_itself and verb == "create" and kind.startswith("selfsubject")
        reads = verb in READING and kind not in {"*", "secrets"} and subresource not in {"*", *_ACTIONS}
        if not asks and not reads:
            yield f"{verb} {resource}"


def _review(reviews: Iterable[Rule], job: Job) -> list[Rule]:
    """The status of each review, in their order."""
    asked = list(reviews)
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": asked})
    command = ("kubectl", "create", "-f", "-", "-o", r'jsonpath={.status}{"\n"}')
    done = tools.run(*command, environment=job, stdin=document)
    answers = done.stdout.splitlines()
    if done.returncode or len(answers) != len(asked):
        raise OpsError(f"the API server does not say what the credential may do ({tools.last_line(done.stderr)})")
    return [json.loads(answer) for answer in answers]


def _get(kinds: str, namespace: str, job: Job, *options: str) -> list[Rule]:
    done = tools.run("kubectl", "get", kinds, "-n", namespace, "-o", "json", *options, environment=job)
    if done.returncode:
        raise OpsError(f"{kinds} could not be listed ({tools.last_line(done.stderr)})")
    items: list[Rule] = json.loads(done.stdout)["items"]
    return items


def _state() -> set[tuple[str, str]]:
    """Kind and NAMESPACE/NAME of what gives access, as the selected stack's state has it."""
    done = tools.run("pulumi", "stack", "export", "--non-interactive")
    if done.returncode:
        raise OpsError(f"the selected stack's state could not be read ({tools.last_line(done.stderr)})")
    kinds = {token: kind for kind, token in _ACCOUNTS.items()}
    resources = json.loads(done.stdout)["deployment"].get("resources") or []
    return {(kinds[entry["type"]], entry["id"]) for entry in resources if entry["type"] in kinds}
