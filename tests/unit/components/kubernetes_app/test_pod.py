import base64
import json
from typing import Any

import pulumi
import pytest

from components.image.reference import ImageReference
from components.kubernetes_app.args import KubernetesAppArgs
from components.kubernetes_app.kubernetes_app import KubernetesApp
from components.settings.app import App, Health
from components.settings.kubernetes import Kubernetes
from components.settings.probe import Probe
from tests.support.project import leaks
from tests.support.recorder import Recorder, deploy

APP = App(port=8080)
IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"


def declare(app: App = APP, scaled: int | None = None, **target: Any) -> Recorder:
    args = KubernetesAppArgs(app=app, target=Kubernetes(**target), namespace="example", image=IMAGE, scaled=scaled)
    return deploy(
        lambda: KubernetesApp("app", args),
        {"kubernetes:core/v1:Secret": {"metadata": {"name": "web-files", "uid": "1"}}},
    )


def template(run: Recorder) -> Any:
    return run.one(DEPLOYMENT).inputs["spec"]["template"]


def container(run: Recorder) -> Any:
    [found] = template(run)["spec"]["containers"]
    return found


def test_command_and_args_are_those_of_the_container() -> None:
    found = container(declare(App(port=8080, command=("sh", "-c", "set -e\nexec serve"), args=("-v",))))
    assert (found["command"], found["args"]) == (["sh", "-c", "set -e\nexec serve"], ["-v"])
    assert not {"command", "args"} & container(declare()).keys()


def test_environment_variables_may_have_dots() -> None:
    found = container(declare(App(port=8080, env={"spring.profiles.active": "prod"})))
    assert found["env"] == [{"name": "spring.profiles.active", "value": "prod"}]


def test_probes_ask_what_they_name_or_what_health_names() -> None:
    run = declare(
        App(port=8080, health=Health(path="/healthz")),
        startup=Probe(failures=30, period_seconds=2),
        liveness=Probe(command=("/app", "alive"), delay_seconds=5, timeout_seconds=4),
    )
    found = container(run)
    assert found["startupProbe"] == {
        "httpGet": {"path": "/healthz", "port": "http"},
        "periodSeconds": 2,
        "timeoutSeconds": 2,
        "failureThreshold": 30,
    }
    assert found["livenessProbe"] == {
        "exec": {"command": ["/app", "alive"]},
        "initialDelaySeconds": 5,
        "periodSeconds": 10,
        "timeoutSeconds": 4,
        "failureThreshold": 3,
    }
    assert "httpGet" in found["readinessProbe"]


def test_worker_has_no_port_no_service_and_lets_nobody_in() -> None:
    run = declare(App(worker=True))
    assert run.types() == [
        DEPLOYMENT,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:policy/v1:PodDisruptionBudget",
    ]
    assert not {"ports", "readinessProbe", "lifecycle"} & container(run).keys()
    assert run.one("kubernetes:networking.k8s.io/v1:NetworkPolicy").inputs["spec"]["ingress"] == []
    checked = container(declare(App(worker=True, health=Health(command=("true",)))))
    assert checked["readinessProbe"]["exec"] == {"command": ["true"]}


def test_variable_may_be_one_key_of_a_secret_that_exists() -> None:
    run = declare(App(port=8080, env={"A": "1"}), secret_keys={"DB_PASSWORD": "database/password"})
    reference = {"secretKeyRef": {"name": "database", "key": "password"}}
    assert container(run)["env"] == [{"name": "A", "value": "1"}, {"name": "DB_PASSWORD", "valueFrom": reference}]


def test_later_sources_of_the_environment_win_over_earlier_ones() -> None:
    run = declare(App(port=8080, secrets={"A": "x"}), secrets_from=("database",), config_from=("settings",))
    assert container(run)["envFrom"] == [
        {"configMapRef": {"name": "settings"}},
        {"secretRef": {"name": "database"}},
        {"secretRef": {"name": "web-files"}},
    ]


def test_files_in_clear_are_a_config_map_and_a_change_replaces_the_pods() -> None:
    annotations = []
    for text in ("workers = 2", "workers = 3"):
        run = declare(files={"/etc/app.conf": text, "/etc/app/b": "x"}, pod_annotations={"note": "a"})
        made = run.one("kubernetes:core/v1:ConfigMap")
        assert made.inputs["data"] == {"etc_2fapp.conf": text, "etc_2fapp_2fb": "x"}
        assert made.inputs["metadata"]["name"] == "web-files"
        mounts = container(run)["volumeMounts"]
        assert mounts[1] == {
            "name": "files",
            "mountPath": "/etc/app.conf",
            "subPath": "etc_2fapp.conf",
            "readOnly": True,
        }
        assert {"name": "files", "configMap": {"name": "web-files"}} in template(run)["spec"]["volumes"]
        assert "app-files" in run.one(DEPLOYMENT).depends_on
        annotations.append(template(run)["metadata"]["annotations"])
    assert annotations[0].keys() == {"note", "gitlab-deploy/files"}
    assert annotations[0] != annotations[1]


def test_encrypted_files_are_a_secret_and_shown_nowhere_else() -> None:
    digests = set()
    for text in ("canary-1", "canary-2"):

        def program(text: str = text) -> object:
            files: dict[str, Any] = {"/etc/key": pulumi.Output.secret(text), "/etc/a": "plain"}
            args = KubernetesAppArgs(app=APP, target=Kubernetes(files=files), namespace="example", image=IMAGE)
            return KubernetesApp("app", args)

        run = deploy(program, {"kubernetes:core/v1:Secret": {"metadata": {"name": "web-files", "uid": "1"}}})
        secret = run.one("kubernetes:core/v1:Secret")
        assert secret.secret == {"data"}
        assert secret.inputs["data"] == {"etc_2fkey": base64.b64encode(text.encode()).decode()}
        assert run.one("kubernetes:core/v1:ConfigMap").inputs["data"] == {"etc_2fa": "plain"}
        assert [item.name for item in run.declarations if leaks("canary", json.dumps(item.inputs))] == [secret.name]
        mounts = {mount["mountPath"]: mount["name"] for mount in container(run)["volumeMounts"]}
        assert (mounts["/etc/key"], mounts["/etc/a"]) == ("secret-files", "files")
        digests.add(template(run)["metadata"]["annotations"]["gitlab-deploy/secret-files"])
    assert len(digests) == 2


def test_volume_of_one_node_has_one_pod_that_ends_before_the_next_starts() -> None:
    run = declare(volumes={"/var/lib/blog": "10Gi"}, storage_class="fast", fs_group=1000, scaled=3)
    claim = run.one(CLAIM).inputs
    assert claim["metadata"]["name"] == "web-var-lib-blog"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "storageClassName": "fast",
    }
    spec = run.one(DEPLOYMENT).inputs["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert run.one(DEPLOYMENT).ignore_changes == ()
    assert template(run)["spec"]["securityContext"]["fsGroup"] == 1000
    assert {"name": "volume-0", "mountPath": "/var/lib/blog"} in container(run)["volumeMounts"]
    volume = {"name": "volume-0", "persistentVolumeClaim": {"claimName": "web-var-lib-blog"}}
    assert volume in template(run)["spec"]["volumes"]


def test_volume_of_many_nodes_is_rolled_out_as_any_application() -> None:
    spec = declare(volumes={"/data": "1Gi"}, access_mode="ReadWriteMany").one(DEPLOYMENT).inputs["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (2, "RollingUpdate")


@pytest.mark.parametrize(
    ("target", "scaled", "replicas", "is_ignored"),
    [({}, None, 2, True), ({}, 5, 5, True), ({"replicas": 3}, 5, 3, False)],
)
def test_number_of_pods_is_the_stacks_only_if_it_says_one(
    target: dict[str, Any], scaled: int | None, replicas: int, *, is_ignored: bool
) -> None:
    found = declare(scaled=scaled, **target).one(DEPLOYMENT)
    assert found.inputs["spec"]["replicas"] == replicas
    assert found.ignore_changes == (("spec.replicas",) if is_ignored else ())


def test_pods_run_as_the_user_and_account_that_are_named() -> None:
    spec = template(declare(run_as_user=1000, service_account="blog", service_account_token=True))["spec"]
    assert spec["securityContext"]["runAsUser"] == 1000
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("blog", True)


def test_root_gets_default_capabilities_and_no_escalation() -> None:
    run = declare(App(port=80), run_as_root=True, read_only_root_filesystem=False)
    assert template(run)["spec"]["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert container(run)["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": False}


def test_low_port_is_open_to_a_user_other_than_root() -> None:
    sysctls = template(declare(App(port=80)))["spec"]["securityContext"]["sysctls"]
    assert sysctls == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    assert "sysctls" not in template(declare())["spec"]["securityContext"]


def test_cpu_limit_and_further_pull_secrets_are_declared() -> None:
    run = declare(cpu_limit="500m", pull_secret="one", pull_secrets=("two",))
    assert container(run)["resources"]["limits"] == {"cpu": "500m", "memory": "256Mi"}
    assert template(run)["spec"]["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
