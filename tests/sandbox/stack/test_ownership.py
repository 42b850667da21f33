"""Next to what is somebody else's on the cluster: nothing of it is changed, and what is in the way is listed first."""

import json
from typing import Any

from sandbox.instance import Instance
from tests.support.cluster import REPOSITORY, Make, Stack, kubectl
from tests.support.project import Run

STACK_ID = "gitlab-deploy/stack-id"


def objects(instance: Instance, namespace: str) -> dict[str, str]:
    """Uid and version of everything that a stack could have touched."""
    kinds = "serviceaccounts,rolebindings,secrets,networkpolicies,deployments,services,poddisruptionbudgets"
    found = json.loads(kubectl(instance, "get", kinds, "-n", namespace, "-o", "json"))["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["uid"] for item in found}


def refused(stack: Stack) -> Run:
    """What a preview says, and `up`, which has made nothing."""
    previewed = stack.project.pulumi("preview")
    assert previewed.code != 0, previewed.text
    deployed = stack.project.pulumi("up", "--yes", "--skip-preview")
    assert deployed.code != 0, deployed.text
    for done in (previewed, deployed):
        assert "Nothing was changed" in done.text
        assert "Traceback" not in done.text
    kinds = {item["type"] for item in json.loads(stack.project.export())["deployment"].get("resources") or []}
    # The engine's own, of which the outputs of the last run are asked.
    assert kinds <= {"pulumi:pulumi:Stack", "pulumi:providers:pulumi"}
    return deployed


def access(instance: Instance, namespace: str, **keys: Any) -> dict[str, Any]:
    server = f"https://{instance.network.address('node')}:6443"
    return {"namespace": namespace, "environment": namespace, "server": server, **keys}


def test_a_namespace_that_exists_is_refused_before_anything_is_made(
    instance: Instance, make: Make, namespace: str
) -> None:
    kubectl(instance, "create", "deployment", "till", "--image", f"{REPOSITORY}:1.0.0", "-n", namespace)
    stack = make("shop", "access", "app", "registry", "kubernetes", access=access(instance, namespace))
    before = objects(instance, namespace)
    said = refused(stack).text
    assert f"Namespace {namespace} was made on " in said
    assert "by kubectl-create" in said
    assert "set access.createNamespace to false" in said
    assert objects(instance, namespace) == before
    labels = json.loads(kubectl(instance, "get", "namespace", namespace, "-o", "json"))["metadata"]["labels"]
    assert labels == {"kubernetes.io/metadata.name": namespace}


def test_a_namespace_of_somebody_else_is_used_and_left(instance: Instance, make: Make, namespace: str) -> None:
    before = objects(instance, namespace)
    block = access(instance, namespace, createNamespace=False, serviceAccount="gitlab-shop")
    stack = make("shop", "app", "registry", "kubernetes", access=block)
    stack.up()
    labels = json.loads(kubectl(instance, "get", "namespace", namespace, "-o", "json"))["metadata"]["labels"]
    assert labels == {"kubernetes.io/metadata.name": namespace}
    made = objects(instance, namespace)
    assert "NetworkPolicy/default-deny" not in made
    assert {"Deployment/web", "ServiceAccount/gitlab-shop", "NetworkPolicy/web"} <= set(made)
    assert stack.summary("--expect-no-changes") == {}
    stack.destroy()
    # Its own ReplicaSets and Pods go first.
    kubectl(instance, "wait", "deployment/web", "-n", namespace, "--for=delete", "--timeout=90s")
    assert objects(instance, namespace) == before


def test_a_missing_namespace_is_not_made_if_it_is_somebody_elses(instance: Instance, make: Make) -> None:
    stack = make("shop", access=access(instance, "nowhere", createNamespace=False, serviceAccount="gitlab-shop"))
    assert "the namespace nowhere does not exist" in refused(stack).text


def test_second_stack_of_the_same_name_touches_nothing_of_the_first(
    instance: Instance, make: Make, namespace: str
) -> None:
    first, second = (make("live", "app", "registry", kubernetes={"namespace": namespace}) for _ in range(2))
    first.up()
    before = objects(instance, namespace)
    said = refused(second).text
    for kind in ("NetworkPolicy", "Deployment", "PodDisruptionBudget", "Service"):
        assert f"{kind} {namespace}/web was made on " in said
    assert said.count("name another kubernetes.name") == 4
    own_id = json.loads(first.project.pulumi("stack", "output", "--json").stdout)["identity"]
    assert f"Secret {namespace}/gitlab-registry-live was made on " in said
    assert said.count(f"in the stack with the id {own_id}") == 5
    second.destroy()
    assert objects(instance, namespace) == before
    assert first.summary("--expect-no-changes") == {}


def test_every_object_carries_the_id_and_no_pod_and_no_selector_does(
    instance: Instance, make: Make, namespace: str
) -> None:
    stack = make("live", "app", "registry", kubernetes={"namespace": namespace})
    stack.up()
    own_id = json.loads(stack.project.pulumi("stack", "output", "--json").stdout)["identity"]
    kinds = "secrets,networkpolicies,deployments,services,poddisruptionbudgets,pods"
    found = json.loads(kubectl(instance, "get", kinds, "-n", namespace, "-o", "json"))["items"]
    own = {item["kind"] for item in found if item["metadata"].get("labels", {}).get(STACK_ID) == own_id}
    assert own == {"Secret", "NetworkPolicy", "Deployment", "Service", "PodDisruptionBudget"}
    assert not [item for item in found if STACK_ID in json.dumps(item.get("spec", {}))]


def test_an_object_whose_label_was_taken_off_is_still_the_stacks_own(
    instance: Instance, make: Make, namespace: str
) -> None:
    stack = make("live", "app", "registry", kubernetes={"namespace": namespace})
    stack.up()
    kubectl(instance, "label", "service", "web", f"{STACK_ID}-", "-n", namespace)
    stack.up("--refresh")
    labels = json.loads(kubectl(instance, "get", "service", "web", "-n", namespace, "-o", "json"))["metadata"]["labels"]
    assert STACK_ID in labels


def test_two_services_of_a_namespace_have_pull_secrets_of_their_own(
    instance: Instance, make: Make, namespace: str
) -> None:
    names = ("one", "two")
    for name in names:
        make(name, "app", "registry", kubernetes={"namespace": namespace, "name": name}).up()
    made = objects(instance, namespace)
    assert {"Secret/gitlab-registry-one", "Secret/gitlab-registry-two"} <= set(made)


def test_an_autoscaler_owns_the_number_that_the_stack_file_does_not_set(
    instance: Instance, make: Make, namespace: str
) -> None:
    def replicas() -> int:
        found = json.loads(kubectl(instance, "get", "deployment", "web", "-n", namespace, "-o", "json"))
        return int(found["spec"]["replicas"])

    stack = make("live", "app", "registry", kubernetes={"namespace": namespace})
    stack.up()
    assert replicas() == 2
    kubectl(instance, "autoscale", "deployment", "web", "-n", namespace, "--min=3", "--max=4", "--cpu=80%")
    kubectl(instance, "wait", "deployment/web", "-n", namespace, "--for=jsonpath={.spec.replicas}=3", "--timeout=90s")
    stack.set("image", f"{REPOSITORY}:2.0.0")
    assert stack.summary() == {"update": ["app", "app-deployment"]}
    stack.up()
    assert replicas() == 3
    stack.set("image", f"{REPOSITORY}:1.0.0")
    stack.up("--refresh")
    assert replicas() == 3


def test_a_conflict_of_field_managers_ends_with_the_way_out(instance: Instance, make: Make, namespace: str) -> None:
    stack = make("live", "app", "registry", kubernetes={"namespace": namespace, "replicas": 2})
    stack.up()
    kubectl(instance, "scale", "deployment/web", "-n", namespace, "--replicas=3")
    stack.set("image", f"{REPOSITORY}:2.0.0")
    done = stack.project.pulumi("up", "--yes", "--skip-preview")
    assert done.code != 0
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in done.text
    assert "take it out of the stack file (kubernetes.replicas)" in done.text


def test_what_kubectl_has_set_is_named_before_the_next_image_takes_it_away(
    instance: Instance, make: Make, namespace: str
) -> None:
    stack = make("live", "app", "registry", kubernetes={"namespace": namespace})
    stack.up()
    kubectl(instance, "create", "secret", "generic", "db", "--from-literal=password=hunter2", "-n", namespace)
    kubectl(instance, "set", "env", "deployment/web", "--from=secret/db", "-n", namespace)
    stack.set("image", f"{REPOSITORY}:2.0.0")
    named = f"Deployment {namespace}/web was changed with kubectl: .spec.template.spec.containers[app].env[PASSWORD]"
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        done = stack.project.pulumi(*command)
        assert done.code == 0, done.text
        assert named in done.text
    assert "was changed with kubectl" not in stack.project.pulumi("preview", "--expect-no-changes").text


def test_another_cluster_is_refused_with_both_addresses(instance: Instance, make: Make, namespace: str) -> None:
    stack = make("live", "app", "registry", kubernetes={"namespace": namespace})
    stack.up()
    other = Instance(f"{instance.name}-other")
    other.down()
    other.up()
    here = stack.project.environment["KUBECONFIG"]
    try:
        stack.project.environment["KUBECONFIG"] = str(other.kubeconfig)
        for command in (("preview",), ("up", "--yes", "--skip-preview")):
            done = stack.project.pulumi(*command)
            assert done.code != 0
            for made in (instance, other):
                assert f"https://{made.network.address('node')}:6443" in done.text
            assert "pulumi config set gitlab-deploy:cluster NEWNAME" in done.text
        # A name that is new says that the move is meant: nothing is refused but what is missing there.
        stack.set("cluster", "elsewhere")
        assert "up on another cluster" not in stack.project.pulumi("preview").text
        stack.set("cluster", "sandbox")
    finally:
        stack.project.environment["KUBECONFIG"] = here
        other.down()
    assert stack.summary("--expect-no-changes") == {}
