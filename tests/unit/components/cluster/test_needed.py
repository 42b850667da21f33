import json
import subprocess
from typing import Any

import pulumi
import pytest

from components.cluster import check as cluster_check
from components.cluster.reading import Reading
from components.settings import settings
from components.settings.settings import Settings
from tests.support.recorder import deploy

FORBIDDEN = (
    'Error from server (Forbidden): secrets "database" is forbidden: User "robot" cannot get resource "secrets"\n'
)
NAMED: dict[str, Any] = {
    "secretsFrom": ["database"],
    "configFrom": ["settings"],
    "secretKeys": {"A": "database-2/password", "B": "database-2/user"},
    "pullSecrets": ["mirror"],
    "serviceAccount": "blog",
}


def stack(access: dict[str, Any] | None = None, **target: Any) -> Settings:
    keys: dict[str, Any] = {
        "cluster": "prod",
        "image": "blog:1.0.0",
        "app": {"port": 8080},
        "kubernetes": target | ({} if access is not None else {"namespace": "shop"}),
    }
    if access is not None:
        block = {"namespace": "shop", "serviceAccount": "robot", "server": "https://k8s:6443"}
        keys |= {"gitlabProject": "group/blog", "access": block | access}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}
    found, problems = settings.parse({f"gitlab-deploy:{key}": value for key, value in texts.items()})
    assert found, problems
    return found


def there(kind: str, name: str, namespace: str | None = "shop", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"{kind}-{name}", "creationTimestamp": "2026-11-01T08:00:00Z", "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata | ({"namespace": namespace} if namespace else {})}


def require(of: Settings, *items: dict[str, Any], stderr: str = "") -> None:
    def run(*arguments: str, **_: str) -> subprocess.CompletedProcess[str]:
        text = json.dumps({"items": items}) if arguments[0] == "get" else "https://here:6443"
        return subprocess.CompletedProcess(arguments, 1 if stderr else 0, stdout=text, stderr=stderr)

    deploy(lambda: cluster_check.require(of, "own", None, reading=Reading(of, run)), preview=True)


def test_what_the_pods_need_and_nobody_has_made_is_named_with_its_key() -> None:
    with pytest.raises(pulumi.RunError) as raised:
        require(stack(None, **NAMED), there("ConfigMap", "settings"))
    assert str(raised.value) == (
        "Nothing was changed:\n"
        "  Secret shop/database, which kubernetes.secretsFrom names, does not exist; create it, or take it out there\n"
        "  Secret shop/database-2, which kubernetes.secretKeys names, does not exist; create it, or take it out there\n"
        "  Secret shop/mirror, which kubernetes.pullSecrets names, does not exist; create it, or take it out there\n"
        "  ServiceAccount shop/blog, which kubernetes.serviceAccount names, does not exist; create it, or take it out "
        "there"
    )


def test_what_the_pods_need_and_is_there_or_may_not_be_read_is_no_problem() -> None:
    names = (("ConfigMap", "settings"), ("Secret", "mirror"), ("Secret", "database-2"), ("ServiceAccount", "blog"))
    others = [there(*name) for name in names]
    require(stack(None, **NAMED), *others, there("Secret", "database"))
    require(stack(None, **NAMED), *others, stderr=FORBIDDEN)


def test_what_the_stack_makes_itself_need_not_be_there() -> None:
    require(stack(None, configFrom=["web-files"], files={"/etc/app.conf": "text"}))


def test_what_the_pods_need_is_a_warning_until_the_stack_has_made_its_namespace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    require(stack({}, secretsFrom=["database"]), there("Namespace", "kube-system", None))
    assert [text.partition(":")[0] for text in warned] == [
        "Once the namespace shop is there, this has to be made in it"
    ]


@pytest.mark.parametrize(("level", "is_refused"), [("restricted", True), ("baseline", False), ("", False)])
def test_root_is_refused_by_the_level_of_a_namespace_of_somebody_else(level: str, *, is_refused: bool) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    namespace = there("Namespace", "shop", None, **labels)
    for of in (stack(runAsRoot=True), stack({"createNamespace": False}, runAsRoot=True)):
        if is_refused:
            with pytest.raises(pulumi.RunError, match="enforces Pod Security 'restricted', which refuses Pods of"):
                require(of, namespace)
        else:
            require(of, namespace)
    require(stack(), namespace)
