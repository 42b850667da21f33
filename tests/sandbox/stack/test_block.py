"""What the block `kubernetes` can say beyond the simple case, on a real cluster that enforces `restricted`."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.example import images as site
from sandbox.instance import Instance
from sandbox.toolchain.images import File, build
from tests.support import pods
from tests.support.cluster import REPOSITORY, Make, Stack, kubectl

CANARY = "file-canary-c41f77d0"
SERVE = "exec /usr/bin/caddy file-server --listen :80 --root /srv"


@pytest.fixture
def volume(instance: Instance, tmp_path: Path, namespace: str) -> Iterator[str]:
    """The class of a volume that an administrator has made, with a file in it."""
    folder = tmp_path / "volume"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "kept.txt").write_text("kept\n")
    for parent in folder.parents[:3]:
        parent.chmod(0o755)
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": namespace,
        "hostPath": {"path": str(folder), "type": "Directory"},
    }
    made = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace}, "spec": spec}
    pods.kubectl(instance, "create", "--filename=-", stdin=json.dumps(made))
    yield namespace
    pods.kubectl(instance, "delete", "persistentvolume", namespace, "--wait=false")


def deployed(instance: Instance, namespace: str, name: str) -> Any:
    return json.loads(kubectl(instance, "get", "deployment", name, "-n", namespace, "-o", "json"))


def page(instance: Instance, namespace: str, path: str) -> str:
    address = kubectl(instance, "get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        body: bytes = answer.read()
    return body.decode()


def refusal(stack: Stack) -> str:
    done = stack.project.pulumi("preview")
    assert done.code != 0, done.text
    assert "Nothing was changed" in done.text
    assert "Traceback" not in done.text
    return done.text


def test_application_with_every_key_serves_and_a_worker_reaches_it(
    instance: Instance, make: Make, namespace: str, volume: str
) -> None:
    restricted = "pod-security.kubernetes.io/enforce=restricted"
    kubectl(instance, "label", "namespace", namespace, restricted)
    in_namespace = {"namespace": namespace, "replicas": None}
    blocks = ("app", "registry", "kubernetes")
    web = make(
        "web",
        *blocks,
        app={"port": 80, "command": ["/bin/sh", "-c"], "args": [SERVE], "health": {"path": "/version.txt"}},
        kubernetes={
            **in_namespace,
            "secretsFrom": ["database"],
            "configFrom": ["settings"],
            "secretKeys": {"SAME_URL": "database/DB_URL"},
            "files": {"/srv/note.txt": "from the stack file\n"},
            "volumes": {"/srv/data": "1Gi"},
            "storageClass": volume,
            "startup": {"failures": 30, "periodSeconds": 1},
            "liveness": {"command": ["/bin/sh", "-c", "true"]},
            "runAsUser": 65532,
            "fsGroup": 65532,
            "cpuLimit": "500m",
            "serviceAccount": "robot",
            "serviceAccountToken": True,
            "podAnnotations": {"prometheus.io/scrape": "true"},
            "host": "blog.example.org",
            "hosts": ["www.example.org"],
            "paths": ["/", "/data"],
            "ingressAnnotations": {"cert-manager.io/cluster-issuer": "letsencrypt"},
        },
    )
    web.edit(lambda config: config["gitlab-deploy:kubernetes"].pop("replicas"))
    said = refusal(web)
    for missing in ("Secret", "ConfigMap", "ServiceAccount"):
        assert f"{missing} {namespace}/" in said
    kubectl(instance, "create", "secret", "generic", "database", "--from-literal=DB_URL=there", "-n", namespace)
    kubectl(instance, "create", "configmap", "settings", "--from-literal=log.level=info", "-n", namespace)
    kubectl(instance, "create", "serviceaccount", "robot", "-n", namespace)
    key = 'gitlab-deploy:kubernetes.files["/srv/key.txt"]'
    assert web.project.pulumi("config", "set", "--secret", "--path", key, stdin=CANARY).code == 0
    web.up()
    assert web.summary("--expect-no-changes") == {}
    assert page(instance, namespace, "/note.txt") == "from the stack file\n"
    assert page(instance, namespace, "/data/kept.txt") == "kept\n"
    assert page(instance, namespace, "/key.txt").strip() == CANARY
    spec = deployed(instance, namespace, "web")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    check = ("exec", "deployment/web", "-n", namespace, "--", "/bin/sh", "-c")
    kubectl(
        instance,
        *check,
        'test "$DB_URL$SAME_URL" = therethere && test -r /var/run/secrets/kubernetes.io/serviceaccount/token',
    )
    ingress = json.loads(kubectl(instance, "get", "ingress", "web", "-n", namespace, "-o", "json"))
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["blog.example.org", "www.example.org"]

    # A change of a file replaces the Pod.
    web.edit(lambda config: config["gitlab-deploy:kubernetes"]["files"].update({"/srv/note.txt": "changed\n"}))
    assert web.summary() == {"update": ["app-files", "app-deployment"]}
    web.up()
    assert page(instance, namespace, "/note.txt") == "changed\n"
    assert not [run for run in web.project.runs if CANARY in run.text]

    # It needs a level that this namespace has not.
    web.edit(lambda config: config["gitlab-deploy:kubernetes"].update(runAsRoot=True))
    web.edit(lambda config: config["gitlab-deploy:kubernetes"].pop("runAsUser"))
    assert "enforces Pod Security 'restricted'" in refusal(web)
    web.edit(lambda config: config["gitlab-deploy:kubernetes"].update(runAsRoot=False, runAsUser=65532))

    worker = make(
        "worker",
        *blocks,
        app={
            "worker": True,
            "command": ["/usr/bin/caddy"],
            "args": ["file-server", "--listen", ":9999"],
        },
        kubernetes={**in_namespace, "name": "worker", "reaches": ["web"], "autoscale": {"min": 1, "max": 2}},
    )
    address = kubectl(instance, "get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}").strip()
    ask = ["/bin/sh", "-c", f"wget -q -O /dev/null http://{address}/version.txt"]

    def change(config: dict[str, Any]) -> None:
        del config["gitlab-deploy:app"]["port"], config["gitlab-deploy:kubernetes"]["replicas"]
        config["gitlab-deploy:app"]["health"] = {"command": ask}

    worker.edit(change)
    # Ready is a worker only if it reaches the other one's Pods.
    worker.up()
    assert worker.summary("--expect-no-changes") == {}
    made = kubectl(instance, "get", "services,horizontalpodautoscalers", "-n", namespace, "-o", "name").split()
    assert made == ["service/web", "horizontalpodautoscaler.autoscaling/worker"]
    running = pods.find(instance, namespace, "app.kubernetes.io/name=worker")
    front = pods.find(instance, namespace, "app.kubernetes.io/name=web")
    assert running.reaches(front.address, 80)
    assert not front.reaches(running.address, 9999)


def test_image_that_runs_as_root_runs_in_a_namespace_of_the_level_baseline(
    instance: Instance, make: Make, namespace: str
) -> None:
    level = "pod-security.kubernetes.io/enforce"
    kubectl(instance, "label", "namespace", namespace, f"{level}=restricted")
    files = site.server_files() | {"version.txt": File(b"root\n")}
    image = build(f"{site.SERVER}COPY version.txt /srv/\nUSER 0:0\n", files)
    image.push(instance.gitlab.registry, f"{site.REPOSITORY}:root", instance.gitlab.credentials)
    web = make(
        "root",
        *("app", "registry", "kubernetes"),
        image=f"{REPOSITORY}:root",
        app={"port": 80, "command": ["/bin/sh", "-c"], "args": [SERVE], "health": {"path": "/version.txt"}},
        kubernetes={"namespace": namespace, "name": "web", "replicas": 1},
    )
    web.set("kubernetes.runAsRoot", "true")
    assert "enforces Pod Security 'restricted'" in refusal(web)
    kubectl(instance, "label", "--overwrite", "namespace", namespace, f"{level}=baseline")
    web.up()
    assert page(instance, namespace, "/version.txt") == "root\n"
    user = 'while read name uid rest; do if [ "$name" = Uid: ]; then echo $uid; fi; done </proc/self/status'
    shell = ("exec", "deployment/web", "-n", namespace, "--", "/bin/sh", "-c", user)
    assert kubectl(instance, *shell).strip() == "0"
