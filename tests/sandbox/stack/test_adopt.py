"""Taking over what people have made by hand with kubectl and curl, and what a lost state left: nobody notices."""

import base64
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gitlab
import pytest
import yaml
from gitlab.v4.objects import Project as GitLabProject

from ops.adopt import cluster
from sandbox.instance import Instance
from sandbox.machine.waiting import wait
from tests.support.cluster import REPOSITORY, Stack, committed
from tests.support.docker_stack import DockerStack, Load
from tests.support.project import ROOT, Run, leaks, run
from tests.support.proxied import ask_plain

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: blog
  labels: {app: blog}
spec:
  replicas: 3
  selector:
    matchLabels: {app: blog}
  template:
    metadata:
      labels: {app: blog}
    spec:
      imagePullSecrets: [{name: regcred}]
      containers:
        - name: blog
          image: IMAGE
          env: [{name: LOG_LEVEL, value: info}]
          ports: [{containerPort: 8080}]
          readinessProbe:
            httpGet: {path: /healthz, port: 8080}
            periodSeconds: 1
---
apiVersion: v1
kind: Service
metadata:
  name: blog
spec:
  selector: {app: blog}
  ports: [{port: 80, targetPort: 8080}]
"""
"""The team's own deployment.yml; the job puts an image in place of the word."""
BLOCKS = ("access", "registry", "app", "kubernetes")


class Handmade:
    """The recipe, followed by hand."""

    def __init__(self, instance: Instance, folder: Path) -> None:
        self.instance = instance
        self.folder = folder
        self.namespace = f"byhand-{secrets.token_hex(3)}"
        client = gitlab.Gitlab(instance.gitlab.url, private_token=instance.environment()["GITLAB_TOKEN"])
        self.project: GitLabProject = client.projects.get("group/blog", lazy=True)

    def make(self) -> None:
        namespace, account = self.namespace, f"{self.namespace}:gitlab-example"
        self.kubectl("create", "namespace", namespace)
        self.kubectl("create", "serviceaccount", "gitlab-example")
        self.kubectl("create", "rolebinding", "gitlab-admin", "--clusterrole=admin", f"--serviceaccount={account}")
        token = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "gitlab-example",
                "annotations": {"kubernetes.io/service-account.name": "gitlab-example"},
            },
            "type": "kubernetes.io/service-account-token",
        }
        self.kubectl("apply", "-f", "-", stdin=json.dumps(token))
        user, password = self.instance.gitlab.credentials
        login = (f"--docker-username={user}", f"--docker-password={password}")
        server = "--docker-server=registry.sandbox.test"
        self.kubectl("create", "secret", "docker-registry", "regcred", server, *login)
        assert wait(lambda: "token" in self.get("secret", "gitlab-example").get("data", {}), 30)
        encoded = base64.b64encode(self._kubeconfig().encode()).decode()
        self.project.variables.create({"key": "KUBECONFIG", "value": encoded, "masked": True})
        self.deploy("1.0.0")

    def deploy(self, version: str) -> None:
        """What the old pipeline's job does, with the credential that it gets."""
        encoded = self.project.variables.get("KUBECONFIG", filter={"environment_scope": "*"}).value
        kubeconfig = self.folder / "kubeconfig"
        kubeconfig.write_bytes(base64.b64decode(encoded, validate=True))
        manifest = DEPLOYMENT.replace("IMAGE", f"{REPOSITORY}:{version}")
        as_job = f"--kubeconfig={kubeconfig}"
        self.kubectl("apply", "-f", "-", as_job, stdin=manifest)
        self.kubectl("rollout", "status", "deployment/blog", "--timeout=180s", as_job)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.try_kubectl(*arguments, stdin=stdin)
        assert done.code == 0, done.text
        return done.stdout

    def try_kubectl(self, *arguments: str, stdin: str | None = None) -> Run:
        environment = os.environ | self.instance.environment()
        return run("kubectl", *arguments, "-n", self.namespace, cwd=self.folder, env=environment, stdin=stdin)

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self.kubectl("get", kind, name, "-o", "json", "--show-managed-fields"))

    def token(self) -> str:
        return base64.b64decode(self.get("secret", "gitlab-example")["data"]["token"]).decode()

    def address(self) -> str:
        return str(self.get("service", "blog")["spec"]["clusterIP"])

    def variables(self) -> dict[tuple[str, str], Any]:
        return {(one.key, one.environment_scope): one for one in self.project.variables.list(get_all=True)}

    def remove(self) -> None:
        self.try_kubectl("delete", "namespace", self.namespace, "--wait=false")
        for (key, scope), variable in self.variables().items():
            if scope in {"*", self.namespace}:
                variable.manager.delete(key, filter={"environment_scope": scope})

    def _kubeconfig(self) -> str:
        node = self.instance.network.address("node")
        authority = self.get("secret", "gitlab-example")["data"]["ca.crt"]
        cluster = {"server": f"https://{node}:6443", "certificate-authority-data": authority}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "k", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": self.token()}}],
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": self.namespace}}],
                "current-context": "c",
            }
        )


@pytest.fixture
def handmade(instance: Instance, images: dict[str, str], tmp_path: Path) -> Iterator[Handmade]:
    assert images
    made = Handmade(instance, tmp_path)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def stack_of(handmade: Handmade, folder: Path, **access: Any) -> Stack:
    """A stack file such as a team writes it for what it has."""
    instance = handmade.instance
    config = {key: value for key, value in committed().items() if not isinstance(value, dict) or key in BLOCKS}
    server = f"https://{instance.network.address('node')}:6443"
    config["access"] |= {"namespace": handmade.namespace, "server": server, **access}
    config["kubernetes"] = {"name": "blog"}
    folder.mkdir()
    return Stack(instance, folder, os.environ | instance.environment(), "live", config)


def adopt(stack: Stack, *arguments: str) -> Run:
    command = ("python", "-m", "ops", "adopt", "--stack", stack.project.stack, *arguments)
    done = stack.project.run(*command, PYTHONPATH=str(ROOT))
    assert "Traceback" not in done.text, done.text
    return done


def managers(item: Any) -> set[str]:
    """Who owns fields of an object, but for the cluster's own controllers."""
    found = {entry["manager"] for entry in item["metadata"]["managedFields"]}
    return {re.sub("-[0-9a-f]+$", "", name) for name in found if not name.startswith("kube-")}


def test_set_up_made_by_hand_is_taken_over_while_it_serves(handmade: Handmade, tmp_path: Path) -> None:
    stack = stack_of(handmade, tmp_path / "stack", environment="*")
    old_token = handmade.token()
    before = {kind: handmade.get(kind, "blog")["metadata"]["uid"] for kind in ("deployment", "service")}

    refused = stack.project.pulumi("up", "--yes", "--skip-preview")
    assert refused.code != 0
    for what in (f"Namespace {handmade.namespace}", "ServiceAccount", "Deployment", "Service"):
        assert f"{what} " in refused.text
    assert "python -m ops adopt --stack live" in refused.text

    in_the_way = adopt(stack, "--yes")
    assert in_the_way.code == 1
    assert "set access.variable to base64 until that pipeline is switched off" in in_the_way.stdout
    assert "sets LOG_LEVEL, and the stack does not; add them to app.env or app.secrets" in in_the_way.stdout
    stack.set("app.env.LOG_LEVEL", "info")
    stack.set("access.variable", "base64")
    shown = adopt(stack)
    assert shown.code == 0, shown.text
    assert "nothing was changed" in shown.stdout
    assert "stays valid: RoleBinding gitlab-admin" in shown.stdout
    assert "gitlab-deploy:kubernetes.container becomes 'blog'" in shown.stdout

    with Load(handmade.instance, address=handmade.address()) as load:
        done = adopt(stack, "--yes")
        assert done.code == 0, done.text
    assert len(load.answers) > 100
    assert load.failed == []
    assert "a preview shows no change" in done.stdout
    assert {kind: handmade.get(kind, "blog")["metadata"]["uid"] for kind in before} == before
    deployment = handmade.get("deployment", "blog")
    assert deployment["spec"]["replicas"] == 3
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["env"] == [{"name": "LOG_LEVEL", "value": "info"}]
    assert deployment["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "gitlab-registry-live"}]
    for kind in ("deployment", "service"):
        assert managers(handmade.get(kind, "blog")) == {"pulumi-kubernetes"}

    # The old pipeline deploys as before, with the variable that the stack has set anew.
    with Load(handmade.instance, address=handmade.address()) as load:
        handmade.deploy("2.0.0")
        assert wait(lambda: load.answers[-1].body == "2.0.0", 60)
    assert load.failed == []
    handmade.deploy("1.0.0")

    removed = adopt(stack, "--yes", "--remove-old")
    assert removed.code == 0, removed.text
    assert "removed: RoleBinding gitlab-admin" in removed.stdout
    assert "removed: Secret" in removed.stdout
    answer = handmade.try_kubectl("get", "pods", f"--token={old_token}", "--kubeconfig=/dev/null", *_server(handmade))
    assert "Unauthorized" in answer.stderr or "must be logged in" in answer.stderr
    assert {scope for key, scope in handmade.variables() if key == "KUBECONFIG"} == {"*"}
    for text in (stack.project.export(), *(done.text for done in stack.project.runs)):
        assert not leaks(old_token, text)
    stack.destroy()


def test_requests_arrive_in_whichever_order_a_proxy_learns_of_a_new_name_of_a_port(handmade: Handmade) -> None:
    (own,) = json.loads(handmade.kubectl("get", "endpointslices", "-o", "json"))["items"]

    def endpoints(service: str, port: str) -> dict[str, Any]:
        """Those of the site for a Service without a selector, which the cluster's own controller leaves alone."""
        metadata = {"generateName": "by-test-", "labels": {"kubernetes.io/service-name": service}}
        return {**own, "metadata": metadata, "ports": [{**own["ports"][0], "name": port}]}

    # What it knows of the Service, and of its EndpointSlice.
    orders = {"before": ("", ""), "service-first": ("http", ""), "slice-first": ("", "http"), "after": ("http", "http")}
    for name, (port, of_slice) in orders.items():
        spec = {"ports": [{"name": port, "port": 80, "targetPort": 8080}]}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
        for item in (service, endpoints(name, of_slice), cluster.bridge(endpoints(name, ""))):
            handmade.kubectl("create", "-f", "-", stdin=json.dumps(item))

    def answers(name: str) -> bool:
        return ask_plain(str(handmade.get("service", name)["spec"]["clusterIP"])).status == 200

    for name in orders:
        assert wait(partial(answers, name), 30), name


def test_what_a_lost_state_left_is_taken_over_while_it_serves(handmade: Handmade, tmp_path: Path) -> None:
    first = stack_of(handmade, tmp_path / "first", environment=handmade.namespace, variable="base64")
    first.set("app.env.LOG_LEVEL", "info")
    taken = adopt(first, "--yes", "--remove-old")
    assert taken.code == 0, taken.text
    tokens = handmade.variables()["KUBE_TOKEN", handmade.namespace].value
    shutil.rmtree(tmp_path / "first" / "state")

    second = stack_of(handmade, tmp_path / "second", environment=handmade.namespace, variable="base64")
    file = "Pulumi.live.yaml"
    shutil.copy(first.project.folder / file, second.project.folder / file)
    assert "in the stack with the id" in second.project.pulumi("preview").text
    with Load(handmade.instance, address=handmade.address()) as load:
        done = adopt(second, "--yes")
        assert done.code == 0, done.text
    assert load.failed == []
    assert "a preview shows no change" in done.stdout
    assert handmade.variables()["KUBE_TOKEN", handmade.namespace].value == tokens
    for kind in ("deployment", "service"):
        entries = handmade.get(kind, "blog")["metadata"]["managedFields"]
        assert len({entry["manager"] for entry in entries if entry["manager"].startswith("pulumi")}) == 1
    second.up("--refresh", "--expect-no-changes")
    second.destroy()


def test_container_of_a_lost_state_is_replaced_while_it_serves(
    instance: Instance, images: dict[str, str], tmp_path: Path
) -> None:
    assert images
    environment = os.environ | instance.environment()
    for name in ("first", "second"):
        (tmp_path / name).mkdir(exist_ok=True)
    first = DockerStack(instance, tmp_path / "first", environment, "lost")
    first.up()
    first.wait_for("1.0.0")
    (old,) = first.containers()
    second = DockerStack(instance, tmp_path / "second", environment, "lost")
    shutil.rmtree(tmp_path / "first" / "state")
    assert "run 'python -m ops adopt --stack lost'" in second.project.pulumi("preview").text
    with Load(instance) as load:
        done = adopt(second, "--yes")
        assert done.code == 0, done.text
    assert load.failed == []
    assert "a preview shows no change" in done.stdout
    (new,) = second.containers()
    assert new != old
    second.destroy()


def _server(handmade: Handmade) -> tuple[str, ...]:
    node = handmade.instance.network.address("node")
    return (f"--server=https://{node}:6443", "--insecure-skip-tls-verify")
