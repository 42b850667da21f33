"""A team's own manifests: what they declare runs, migrations run first, and what breaks says where it is written."""

import json
import re
from pathlib import Path

import pytest

from components.manifests import schema
from sandbox.instance import Instance
from tests.support.cluster import REPOSITORY, Make, Stack, kubectl
from tests.support.docker_stack import Load
from tests.support.project import ROOT

SITE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: IMAGE,
           ports: [{containerPort: 8080}],
           readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1},
           lifecycle: {preStop: {sleep: {seconds: 5}}},
           env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: database, key: password}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
MIGRATION = """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: IMAGE, command: [COMMAND]}]
"""
STORE = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  serviceName: store
  replicas: 1
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      containers:
        - {name: store, image: IMAGE, readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: store}
spec: {clusterIP: None, selector: {app: store}, ports: [{port: 8080}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: IMAGE}]}
"""
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sites.shapes.example.com}
spec:
  group: shapes.example.com
  names: {kind: Site, plural: sites}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {port: {type: integer, maximum: 9999}}}}
"""
CUSTOM = """\
apiVersion: shapes.example.com/v1
kind: Site
metadata: {name: web}
spec:
  port: PORT
"""
LATER = """\
apiVersion: batch/v2
kind: CronJob
metadata: {name: later}
"""
SHAPES = ROOT / "tests" / "support" / "manifests"


def migration(command: str) -> str:
    return MIGRATION.replace("COMMAND", ", ".join(f'"{word}"' for word in command.split()))


@pytest.fixture
def site(make: Make, namespace: str) -> Stack:
    """The site from manifests, in a namespace that somebody made by hand."""
    block = {"namespace": namespace, "manifests": ["deploy/*.yml"], "secrets": {}}
    stack = make("site", "registry", kubernetes=block)
    (stack.project.folder / "deploy").mkdir()
    write(stack, "web", SITE)
    set_password(stack, "canary-one")
    return stack


def set_password(stack: Stack, value: str) -> None:
    key = 'gitlab-deploy:kubernetes.secrets["database/password"]'
    done = stack.project.pulumi("config", "set", "--secret", "--path", key, value)
    assert done.code == 0, done.text


def write(stack: Stack, name: str, text: str) -> Path:
    file = stack.project.folder / "deploy" / f"{name}.yml"
    file.write_text(text)
    return file


def address(stack: Stack, namespace: str) -> str:
    return kubectl(stack.instance, "get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")


def test_manifests_run_as_they_are_written_and_the_second_run_changes_nothing(
    site: Stack, namespace: str, instance: Instance
) -> None:
    write(site, "store", STORE)
    write(site, "migrate", migration("/bin/sh -c true"))
    site.up()
    assert site.summary("--expect-no-changes") == {}
    site.set("image", f"{REPOSITORY}:2.0.0")
    assert "migrate" in site.summary()["replace"]
    with Load(instance, rate=10, address=address(site, namespace)) as load:
        site.up()
    assert load.failed == []
    assert site.summary("--expect-no-changes") == {}
    # A change of a secret replaces the Pods that use it.
    set_password(site, "canary-two")
    assert site.summary() == {"update": ["database", "web"]}
    site.up()
    pods = kubectl(instance, "get", "pods", "-n", namespace, "-o", "jsonpath={.items[*].spec.containers[0].image}")
    assert set(pods.split()) == {f"{REPOSITORY}:2.0.0"}


def test_migration_that_fails_changes_nothing_and_runs_again_with_the_next_run(
    site: Stack, namespace: str, instance: Instance
) -> None:
    write(site, "migrate", migration("/bin/sh -c true"))
    site.up()
    site.set("image", f"{REPOSITORY}:2.0.0")
    write(site, "migrate", migration("/usr/bin/wget http://127.0.0.1:1/migrations"))
    for _ in range(2):
        with Load(instance, rate=10, address=address(site, namespace)) as load:
            run = site.project.pulumi("up", "--yes", "--skip-preview")
        assert run.code != 0
        assert load.failed == []
        assert {answer.body for answer in load.answers} == {"1.0.0"}
        assert re.search(r"Job migrate \(deploy/migrate.yml:1\) has failed: ", run.text)
        assert "log: wget: can't connect to remote host (127.0.0.1): Connection refused" in run.text
        assert "Traceback" not in run.text
    write(site, "migrate", migration("/bin/sh -c true"))
    site.up()
    assert site.summary("--expect-no-changes") == {}


def test_workload_that_breaks_says_where_it_is_written(site: Stack, namespace: str, instance: Instance) -> None:
    write(site, "store", STORE)
    site.up()
    # Only now: a first pull may come before the pull secret, and is tried again after ten seconds.
    site.set("kubernetes.graceSeconds", "3")
    command = ', command: ["/usr/bin/wget", "http://127.0.0.1:1/settings"]'
    # The StatefulSet at the end: it does not replace a Pod that is not ready.
    for kind, where in (("web", "web.yml:1"), ("agent", "store.yml:19"), ("store", "store.yml:1")):
        for name, text in (("web", SITE), ("store", STORE)):
            write(site, name, text.replace(f"name: {kind}, image: IMAGE", f"name: {kind}, image: IMAGE{command}"))
        with Load(instance, rate=10, address=address(site, namespace)) as load:
            run = site.project.pulumi("up", "--yes", "--skip-preview")
        assert run.code != 0
        assert load.failed == []
        assert re.search(rf"{kind} \(deploy/{where}\): Pod {kind}-\S+: its container exits with code 1", run.text), (
            run.text
        )
        assert "log: wget: can't connect" in run.text


def test_statefulset_that_is_stuck_says_which_pod_to_delete(site: Stack, namespace: str, instance: Instance) -> None:
    command = ', command: ["/usr/bin/wget", "http://127.0.0.1:1/settings"]'
    write(site, "store", STORE.replace("name: store, image: IMAGE", f"name: store, image: IMAGE{command}"))
    assert site.project.pulumi("up", "--yes", "--skip-preview").code != 0
    write(site, "store", STORE)
    run = site.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert "store (deploy/store.yml:1): Pod store-0 of the version before is not ready" in run.text
    kubectl(instance, "delete", "pod", "store-0", "-n", namespace)
    site.up()


def test_files_of_the_shapes_that_teams_have_run_as_they_are(site: Stack, namespace: str, instance: Instance) -> None:
    for file in SHAPES.iterdir():
        (site.project.folder / "deploy" / file.name).write_bytes(file.read_bytes())
    site.set("kubernetes.manifests", '["deploy/*.yml", "deploy/*.json"]')
    definition = site.project.folder / "definition.yml"
    definition.write_text(DEFINITION)
    write(site, "custom", CUSTOM.replace("PORT", "80"))
    write(site, "later", LATER)
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        refused = site.project.pulumi(*command)
        assert refused.code != 0
        assert (
            "deploy/custom.yml:1 is a Site of shapes.example.com/v1, which this cluster does not have" in refused.text
        )
        assert (
            "deploy/later.yml:1 is a CronJob of batch/v2, which this cluster does not have; use batch/v1"
            in refused.text
        )
    (site.project.folder / "deploy" / "later.yml").unlink()
    kubectl(instance, "apply", "--filename", str(definition))
    kubectl(instance, "wait", "--for=condition=Established", "--timeout=60s", "--filename", str(definition))
    site.up()
    assert site.summary("--expect-no-changes") == {}
    found = kubectl(instance, "get", "pods", "-n", namespace, "-o", "jsonpath={.items[*].metadata.labels.app}")
    assert set(found.split()) == {"web", "api", "front", "json", "printed", "reader"}
    write(site, "custom", CUSTOM.replace("PORT", "80000"))
    refused = site.project.pulumi("preview")
    assert refused.code != 0
    assert "deploy/custom.yml:5: the cluster does not take spec.port: Invalid value: 80000" in refused.text


def test_schema_of_the_program_is_that_of_the_api_server(instance: Instance) -> None:
    served = json.loads(kubectl(instance, "get", "--raw", "/openapi/v2"))
    assert schema.text(schema.trimmed(served)) == schema.text(schema.load())


def test_what_kubectl_has_applied_before_is_refused_and_then_adopted_as_it_is(
    site: Stack, namespace: str, instance: Instance
) -> None:
    secret = ("create", "secret", "generic", "database", "-n", namespace, "--from-literal=password=canary-one")
    kubectl(instance, *secret)
    by_hand = site.project.folder / "by-hand.yml"
    by_hand.write_text(SITE.replace("IMAGE", f"{REPOSITORY}:1.0.0"))
    kubectl(instance, "apply", "-n", namespace, "--filename", str(by_hand))
    run = site.project.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    for name in ("Secret", "Deployment", "Service"):
        assert re.search(rf"\s{name} {namespace}/\w+ was made on ", run.text), run.text
    assert "give it another name in deploy/web.yml:1" in run.text
    adopt = ("python", "-m", "ops", "adopt", "--stack", site.project.stack, "--yes")
    done = site.project.run(*adopt, PYTHONPATH=str(ROOT))
    assert done.code == 0, done.text
    assert site.summary("--expect-no-changes") == {}
