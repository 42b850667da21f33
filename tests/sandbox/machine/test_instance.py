"""A sandbox that is up: what runs, what it serves, and how it heals."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from sandbox.example import images as site
from sandbox.hosts import pki
from sandbox.instance import Instance
from sandbox.machine import cgroups
from sandbox.machine.waiting import wait
from sandbox.toolchain.images import build
from sandbox.toolchain.modules import KUBERNETES_VERSION
from sandbox.toolchain.versions import python_package
from tests.sandbox.machine.machine import Machine, processes
from tests.support.pods import kubectl

SERVICES = {
    "docker/dockerd",
    "docker/sshd",
    "docker/traefik",
    "gitlab/gitlab",
    "gitlab/registry",
    "node/containerd",
    "node/etcd",
    "node/kube-apiserver",
    "node/kube-controller-manager",
    "node/kube-proxy",
    "node/kube-router",
    "node/kube-scheduler",
    "node/kubelet",
}


def get(url: str, headers: dict[str, str] | None = None) -> bytes:
    body: bytes = build_opener(ProxyHandler({})).open(Request(url, headers=headers or {}), timeout=5).read()  # noqa: S310
    return body


def says_hello(url: str) -> bool:
    try:
        return get(url) == b"hello from a pod"
    except OSError:
        return False


@pytest.fixture(scope="module")
def address(instance: Instance) -> str:
    """Of a Service with one pod, of an image made here and pulled from the registry."""
    respond = 'ENTRYPOINT ["/usr/bin/caddy", "respond", "--listen", ":8080", "hello from a pod"]\n'
    image = build(f"{site.SERVER}{respond}", site.server_files())
    credentials = instance.gitlab.credentials
    digest = image.push(instance.gitlab.registry, "group/blog/web:1", credentials)
    container = {"name": "web", "image": f"registry.sandbox.test/group/blog/web@{digest}"}
    auth = base64.b64encode(":".join(credentials).encode()).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "registry"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps({"auths": {"registry.sandbox.test": {"auth": auth}}})},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "containers": [container],
            "imagePullSecrets": [{"name": "registry"}],
            "terminationGracePeriodSeconds": 0,
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    for manifest in (secret, pod, service):
        kubectl(instance, "apply", "-f", "-", stdin=json.dumps(manifest))
    kubectl(instance, "wait", "--for=condition=Ready", "pod/web", "--timeout=300s")
    return kubectl(instance, "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")


def test_up_starts_every_service_and_the_machine_is_not_touched(before: Machine, instance: Instance) -> None:
    running = processes(instance)
    assert set(running) == {"docker", "gitlab", "lan", "node", *SERVICES}
    assert all(running.values())
    assert (
        kubectl(instance, "get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}")
        == f"v{KUBERNETES_VERSION}"
    )
    assert kubectl(instance, "config", "current-context").strip() == "sandbox"
    index = instance.network.index
    assert Path(f"/run/gitlab-deploy-{index}").readlink() == instance.folder
    assert Machine.now() == before


def test_up_again_does_nothing_twice(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    before, token = processes(instance), instance.gitlab.token.read_text()
    instance.up()
    # Every process is the one that it was: nothing was started, and so nothing was waited for.
    assert processes(instance) == before
    assert instance.gitlab.token.read_text() == token
    assert "starts" not in capsys.readouterr().out


def test_a_pod_runs_an_image_of_the_registry_and_its_service_answers_the_machine(
    instance: Instance, address: str
) -> None:
    assert address in {str(host) for host in instance.network.services.hosts()}
    assert wait(lambda: says_hello(f"http://{address}/"), 30)


def test_pods_are_in_the_sandboxs_own_control_groups(instance: Instance, address: str) -> None:
    assert address
    for cgroup in cgroups.remaining(instance.network.cgroup):
        assert [*cgroup.glob("kubepods*/**/pod*")], cgroup


def test_gitlab_knows_the_token_and_refuses_another(instance: Instance) -> None:
    environment = instance.environment()
    url = f"{environment['GITLAB_BASE_URL']}projects/group%2Fblog"
    assert json.loads(get(url, {"PRIVATE-TOKEN": environment["GITLAB_TOKEN"]}))["path_with_namespace"] == "group/blog"
    with pytest.raises(HTTPError, match="401"):
        get(url, {"PRIVATE-TOKEN": "glpat-other"})


def test_neither_output_nor_log_nor_arguments_show_a_secret(instance: Instance) -> None:
    token = instance.gitlab.token.read_text().strip()
    key = pki.pair(instance.folder / "node" / "pki", "admin").key.read_text().splitlines()[1]
    sandbox = [sys.executable, "-m", "sandbox", "--name", instance.name]
    shown = [
        subprocess.run([*sandbox, command], capture_output=True, text=True, check=True)
        for command in ("up", "status", "env")
    ]
    texts = {f"output of {' '.join(done.args[3:])}": done.stdout + done.stderr for done in shown}
    texts |= {str(log): log.read_text(errors="replace") for log in (instance.folder / "log").iterdir()}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts[str(path)] = path.read_text(errors="replace")
        except OSError:
            continue
    leaks = [place for place, text in texts.items() if token in text or key in text]
    assert leaks == []


def test_only_its_owner_reads_the_files_of_a_sandbox(instance: Instance) -> None:
    assert instance.folder.stat().st_mode & 0o777 == 0o700
    secret = [instance.kubeconfig, instance.gitlab.token, *(instance.folder / "node" / "pki").glob("*.key")]
    secret.append(instance.docker.certificate.server)
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in secret if path.stat().st_mode & 0o077} == {}


def test_the_programs_of_its_shell_run(instance: Instance) -> None:
    def say(*command: str) -> str:
        return subprocess.run(
            command,
            env={**instance.environment(), "HOME": str(instance.folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert say("pulumi", "version").startswith("v3.")
    assert f"v{KUBERNETES_VERSION}" in say("kubectl", "version")
    plugins = json.loads(say("pulumi", "plugin", "ls", "--json"))
    assert {plugin["name"]: plugin["version"] for plugin in plugins} == {
        "docker": python_package("pulumi-docker"),
        "gitlab": python_package("pulumi-gitlab"),
        "kubernetes": python_package("pulumi-kubernetes"),
    }
    assert "traefik" in say("docker", "network", "ls")


def test_the_firewall_listens_nowhere(instance: Instance) -> None:
    firewall = processes(instance)["node/kube-router"]
    assert firewall
    listing = ["nsenter", "--target", str(firewall.pid), "--net", "ss", "--listening", "--tcp", "--udp", "--processes"]
    sockets = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    assert "kube-apiserver" in sockets
    assert f"pid={firewall.pid}," not in sockets


def test_services_that_died_come_back_and_the_others_run_on(instance: Instance) -> None:
    before = processes(instance)
    killed = {"gitlab/gitlab", "node/etcd", "node/containerd", "node/kube-proxy", "node/kube-router", "node/kubelet"}
    for key in killed:
        victim = before[key]
        assert victim
        victim.kill()
    instance.up()
    after = processes(instance)
    assert all(after.values())
    assert {key for key in after if after[key] != before[key]} == killed


def test_a_node_that_lost_its_power_comes_back_with_its_pods(instance: Instance, address: str) -> None:
    node = processes(instance)["node"]
    assert node
    node.kill()
    instance.up()
    assert wait(lambda: says_hello(f"http://{address}/"), 300)
