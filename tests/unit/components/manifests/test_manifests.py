from typing import Any

import pulumi
import pytest

from components.image.reference import ImageReference
from components.manifests import schema
from components.manifests.manifests import Manifests, ManifestsArgs
from components.manifests.order import front
from components.manifests.reader import read
from components.rollout.rollout import Rollout
from components.source.yaml_file import documents
from tests.support.recorder import Recorder, deploy

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: IMAGE, envFrom: [{secretRef: {name: database}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
DATABASE = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
"""
MIGRATION = """\
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {ttlSecondsAfterFinished: 60, template: {spec: {restartPolicy: Never, containers: [{name: m, image: IMAGE}]}}}
"""


def run(text: str, **more: Any) -> Recorder:
    found = read(documents(text, "deployment.yml", "yaml 1.1"), schema.load(), "example", IMAGE, {})
    args = ManifestsArgs(manifests=found.manifests, namespace="example", image=IMAGE, **more)
    given = {"metadata": {"name": "web", "uid": "1", "generation": 1}}
    kinds = ("core/v1:Secret", "core/v1:Service", "apps/v1:Deployment", "apps/v1:StatefulSet", "batch/v1:Job")
    return deploy(lambda: Manifests("manifests", args), {f"kubernetes:{kind}": given for kind in kinds})


def test_each_document_is_a_resource_under_its_own_kind_and_name() -> None:
    made = run(APP)
    assert made.types() == ["kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service"]
    web = made.one("kubernetes:apps/v1:Deployment", "web")
    assert web.parent == "manifests"
    assert web.inputs["metadata"] == {
        "name": "web",
        "namespace": "example",
        "annotations": {"pulumi.com/skipAwait": "true", "pulumi.com/deletionPropagationPolicy": "background"},
    }
    [container] = web.inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == str(IMAGE)


def test_migrations_run_after_databases_and_before_what_has_the_stacks_image() -> None:
    made = run(APP + DATABASE + MIGRATION)
    job = made.one("kubernetes:batch/v1:Job")
    assert {"db", "settings"} <= job.depends_on
    assert "migrate" in made.one("kubernetes:apps/v1:Deployment").depends_on
    assert "migrate" in made.one("kubernetes:core/v1:Service", "web").depends_on
    assert "migrate" not in made.one("kubernetes:core/v1:Service", "db").depends_on
    # It stays until the next image replaces it, so that every run knows whether it has succeeded.
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"]
    assert job.ignore_changes == ('spec.template.metadata.annotations["gitlab-deploy/replaces"]',)


def test_job_of_another_image_stays_too_and_runs_once() -> None:
    job = run(APP + MIGRATION.replace("image: IMAGE", "image: 'tool:1'")).one("kubernetes:batch/v1:Job")
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"]
    # In every run the same, and ignored: a preview shows no change, and a Job that has succeeded does not run again.
    assert job.inputs["spec"]["template"]["metadata"]["annotations"] == {"gitlab-deploy/replaces": ""}
    assert job.ignore_changes == ('spec.template.metadata.annotations["gitlab-deploy/replaces"]',)


@pytest.mark.parametrize("image", ["IMAGE", "'tool:1'"])
def test_job_that_has_failed_is_made_anew(image: str) -> None:
    text = APP + MIGRATION.replace("image: IMAGE", f"image: {image}")
    job = run(text, failed_jobs={"migrate": "uid-1"}).one("kubernetes:batch/v1:Job")
    assert job.inputs["spec"]["template"]["metadata"]["annotations"] == {"gitlab-deploy/replaces": "uid-1"}
    assert job.ignore_changes == ()


def test_change_of_a_secret_replaces_the_pods_that_use_it_and_no_other() -> None:
    def digest(value: str, name: str) -> Any:
        made = run(APP + DATABASE, secrets={name: {"password": value}})
        secret = made.one("kubernetes:core/v1:Secret")
        assert secret.secret == {"data"}
        template = made.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]
        assert "annotations" not in made.one("kubernetes:apps/v1:StatefulSet").inputs["spec"]["template"]["metadata"]
        return template["metadata"].get("annotations")

    assert digest("one", "database") != digest("two", "database")
    assert digest("one", "other") is None


def test_pull_secret_goes_to_pods_with_the_stacks_image_that_name_none() -> None:
    made = run(APP + DATABASE, pull_secrets=["registry"])
    pods = {
        d.name: d.inputs["spec"]["template"]["spec"]
        for d in made.declarations
        if "template" in d.inputs.get("spec", {})
    }
    assert pods["web"]["imagePullSecrets"] == [{"name": "registry"}]
    assert "imagePullSecrets" not in pods["db"]
    own = APP.replace("      containers:", "      imagePullSecrets: [{name: own}]\n      containers:")
    web = run(own, pull_secrets=["registry"]).one("kubernetes:apps/v1:Deployment").inputs
    assert web["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "own"}]


CUSTOM = """\
---
apiVersion: KIND
metadata: {name: custom}
spec: SPEC
"""
POD = "{containers: [{name: c, image: IMAGE}]}"


@pytest.mark.parametrize(
    ("version", "kind", "spec", "path"),
    [
        ("argoproj.io/v1alpha1", "Rollout", f"{{template: {{spec: {POD}}}}}", ("template", "spec")),
        ("serving.knative.dev/v1", "Service", f"{{template: {{spec: {POD}}}}}", ("template", "spec")),
        ("ray.io/v1", "RayCluster", f"{{groups: [{{template: {{spec: {POD}}}}}]}}", ("groups", 0, "template", "spec")),
        ("monitoring.example.com/v1", "Agent", "{containers: [{name: c}], initContainers: [{image: IMAGE}]}", ()),
        ("sites.example.com/v1", "Site", "{containers: [], volumes: [{image: {reference: IMAGE}}]}", ()),
    ],
)
def test_pull_secret_goes_to_pods_of_custom_resources_too(
    version: str, kind: str, spec: str, path: tuple[str | int, ...]
) -> None:
    def pod(spec: str, more: str = "") -> Any:
        text = APP + CUSTOM.replace("KIND", f"{version}\nkind: {kind}").replace("SPEC", spec) + more
        made = run(text, pull_secrets=["registry"]).one(f"kubernetes:{version}:{kind}")
        found = made.inputs["spec"]
        for step in path:
            found = found[step]
        return found

    assert pod(spec)["imagePullSecrets"] == [{"name": "registry"}]
    assert "imagePullSecrets" not in pod(spec.replace("IMAGE", "'db:1'"))
    own = spec.replace("{containers", "{imagePullSecrets: [{name: own}], containers")
    assert pod(own)["imagePullSecrets"] == [{"name": "own"}]
    account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nimagePullSecrets: [{name: own}]\n"
    assert "imagePullSecrets" not in pod(spec.replace("{containers", "{serviceAccountName: a, containers"), account)


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        ("{templates: [{container: {image: IMAGE}}]}", True),
        ("{templates: [{containerSet: {containers: [{image: IMAGE}]}}]}", True),
        ("{image: IMAGE}", True),
        ("{image: IMAGE, serviceAccountName: [a]}", True),
        ("{volumes: [{image: {reference: IMAGE}}], templates: []}", True),
        ("{steps: [{image: IMAGE}], podTemplate: {imagePullSecrets: [{name: own}]}}", False),
        ("{steps: [{image: IMAGE}], serviceAccountName: a}", False),
        ("{steps: [{image: 'db:1'}]}", False),
    ],
)
def test_image_that_may_be_pulled_without_a_login_is_a_warning(
    spec: str, *, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))
    account = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nimagePullSecrets: [{name: own}]\n"
    text = APP + CUSTOM.replace("KIND", "example.com/v1\nkind: Workflow").replace("SPEC", spec) + account
    made = run(text, pull_secrets=["registry"]).one("kubernetes:example.com/v1:Workflow")
    assert "'registry'" not in str(made.inputs)
    expected = (
        "Nothing makes Workflow custom (deployment.yml:18) pull the stack's image with the pull secret: where its Pods "
        "are is not known; name the Secret in its imagePullSecrets, or in those of the ServiceAccount that it names"
    )
    assert warnings == ([expected] if warned else [])
    warnings.clear()
    run(text)
    assert warnings == []


def test_number_of_pods_belongs_to_the_autoscaler_in_the_files() -> None:
    scaler = """\
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 5}
"""
    assert run(APP).one("kubernetes:apps/v1:Deployment").ignore_changes == ()
    assert run(APP + scaler).one("kubernetes:apps/v1:Deployment").ignore_changes == ("spec.replicas",)
    other = scaler.replace("{apiVersion: apps/v1, kind", "{apiVersion: apps.example.com/v1, kind")
    assert run(APP + other).one("kubernetes:apps/v1:Deployment").ignore_changes == ()
    custom = scaler.replace("autoscaling/v2", "keda.sh/v1alpha1").replace("apiVersion: apps/v1, kind: Deployment, ", "")
    assert run(APP + custom).one("kubernetes:apps/v1:Deployment").ignore_changes == ("spec.replicas",)


def test_pods_cut_off_by_a_namespace_are_named_unless_a_policy_selects_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))
    run(APP)
    assert warnings == []
    run(APP, denied=True)
    [warning] = warnings
    assert warning.startswith("Nothing reaches Deployment web (deployment.yml:1), nor do they reach anything: the name")
    policy = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{}]}
"""
    run(APP + policy, denied=True)
    assert len(warnings) == 1
    run(APP + policy.replace("networking.k8s.io/v1", "crd.projectcalico.org/v1"), denied=True)
    assert len(warnings) == 2


def test_object_that_the_cluster_refuses_is_named_with_its_file_and_line(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))
    hook = run(APP).hooks["where-of-manifest"]
    assert hook.callback(pulumi.ErrorHookArgs("urn", "", "web", "kubernetes:core/v1:Service", errors=["no"])) is False
    assert warnings == ["deployment.yml:13: the cluster does not take this Service as it is"]


SAME_NAMES = """\
apiVersion: example.com/v1
kind: Service
metadata: {name: web}
spec: {image: IMAGE}
---
apiVersion: example.com/v1
kind: Ingress
metadata: {name: web}
spec: {defaultBackend: {service: {name: admin}}}
---
apiVersion: example.com/v1
kind: RoleBinding
metadata: {name: web}
---
apiVersion: example.com/v1
kind: Role
metadata: {name: other}
---
"""
ADMIN = """\
---
apiVersion: v1
kind: Service
metadata: {name: admin}
spec: {selector: {app: web}, ports: [{port: 81}]}
"""


def test_kinds_of_other_api_groups_are_not_those_of_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))
    served: list[str] = []
    text = SAME_NAMES + APP + ADMIN
    found = read(documents(text, "a.yml", "yaml 1.1"), schema.load(), "example", IMAGE, {}).manifests
    args = ManifestsArgs(manifests=found, namespace="example", image=IMAGE)

    def program() -> None:
        made = Manifests("manifests", args)
        assert made.service is not None
        made.service.apply(served.append)

    kinds = ("core/v1:Service", "example.com/v1:Service", "apps/v1:Deployment")
    given = {f"kubernetes:{kind}": {"metadata": {"name": kind, "generation": 1}} for kind in kinds}
    made = deploy(program, given)
    assert served == ["core/v1:Service"]
    assert front(found) == "web"
    custom = made.one("kubernetes:example.com/v1:Service")
    assert custom.inputs["metadata"] == {"name": "web", "namespace": "example"}
    assert "other" not in made.one("kubernetes:example.com/v1:RoleBinding").depends_on
    hook = made.hooks["where-of-manifest"]
    for kind, line in (("example.com/v1:Service", 1), ("core/v1:Service", 31)):
        hook.callback(pulumi.ErrorHookArgs("urn", "", "web", f"kubernetes:{kind}", errors=["no"]))
        assert warnings[-1].startswith(f"a.yml:{line}: ")


def test_rights_are_given_after_what_they_are_about_is_there() -> None:
    rights = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: web}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: []
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
"""
    made = run(APP + rights)
    assert made.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").depends_on == {"reader", "web"}
    assert {"reader", "web"} <= made.one("kubernetes:apps/v1:Deployment").depends_on


def test_wait_for_a_database_does_not_need_a_service_that_is_declared_later(rollouts: list[Rollout]) -> None:
    shared = (
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: all}\nspec: {selector: {tier: x}, ports: [{port: 1}]}\n"
    )
    text = (APP + DATABASE + MIGRATION).replace("labels: {app: web}", "labels: {app: web, tier: x}")
    run(text.replace("labels: {app: db}", "labels: {app: db, tier: x}") + shared)
    found = [{workload.name: set(workload.services) for workload in rollout.workloads} for rollout in rollouts]
    assert found == [{"db": {"db"}}, {"migrate": set()}, {"db": {"db", "all"}, "web": {"web", "all"}}]
