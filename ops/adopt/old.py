"""What of the old set-up stays valid beside the stack: what gives its ServiceAccounts rights, or leads in as them."""

import base64
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from components.printable import printable
from components.settings.access import Access
from ops.adopt import cluster
from ops.adopt.handmade import Object
from ops.adopt.variables import Variables
from ops.gitlab.api import translate_errors


@dataclass(frozen=True, kw_only=True)
class Old:
    """One thing that stays valid."""

    text: str
    remove: Callable[[], None] | None
    """Removes it; None if others use it too, so that it is theirs."""


def find(access: Access | None, own: Collection[tuple[str, str]], variables: Variables) -> list[Old]:
    """All of it, in the order in which it is to be removed; `own` are kind and name of what the stack makes.

    A variable is of the old set-up if it holds one of the tokens that are.
    """
    if access is None:
        return []
    namespace = access.namespace
    accounts = {access.service_account, f"{access.service_account}-preview"}
    found, tokens = [], []
    of_type = ("--field-selector", "type=kubernetes.io/service-account-token")
    for secret in cluster.list_all("secrets", namespace, *of_type):
        metadata = secret["metadata"]
        account = metadata.get("annotations", {}).get("kubernetes.io/service-account.name")
        if account in accounts and ("Secret", metadata["name"]) not in own:
            tokens.append(base64.b64decode(secret.get("data", {}).get("token", "")).decode())
            text = f"Secret {namespace}/{printable(metadata['name'])}: a token of ServiceAccount {account}"
            found.append(Old(text=text, remove=partial(cluster.delete, "secret", metadata["name"], namespace)))
    holding = []
    for project, variable in variables.with_any([token for token in tokens if token]):
        key, scope = variable.key, variable.environment_scope
        text = f"variable {printable(key)} (scope {printable(scope)}) of {project}: holds such a token"

        def remove(variable: object = variable, key: str = key, scope: str = scope, project: str = project) -> None:
            with translate_errors(f"delete the variable {key} of {project}", "delete it in Settings > CI/CD"):
                variable.manager.delete(key, filter={"environment_scope": scope})  # type: ignore[attr-defined]

        holding.append(Old(text=text, remove=remove))
    bindings = [*cluster.list_all("rolebindings", namespace), *cluster.list_all("clusterrolebindings", None)]
    bound = [
        _binding(item, namespace, accounts) for item in bindings if (item["kind"], item["metadata"]["name"]) not in own
    ]
    return [*holding, *(old for old in bound if old), *found]


def _binding(item: Object, namespace: str, accounts: Collection[str]) -> Old | None:
    kind, name, subjects = item["kind"], item["metadata"]["name"], item.get("subjects") or []
    ours = [
        subject["name"]
        for subject in subjects
        if subject["kind"] == "ServiceAccount"
        and subject.get("namespace", namespace) == namespace
        and subject["name"] in accounts
    ]
    if not ours:
        return None
    role = f"{item['roleRef']['kind']} {printable(item['roleRef']['name'])}"
    text = f"{kind} {printable(name)}: gives {role} to ServiceAccount {', '.join(ours)}"
    if len(ours) < len(subjects):
        return Old(text=f"{text}, and to others: take the ServiceAccount out of it by hand", remove=None)
    where = namespace if kind == "RoleBinding" else None
    return Old(text=text, remove=partial(cluster.delete, kind, name, where))
