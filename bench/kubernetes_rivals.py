"""What people deploy to Kubernetes with instead: `kubectl apply` and `helm upgrade`, of the very same objects."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.contenders import REPOSITORY
from bench.sample import Sample, measure, plain_environment, quietly
from components.cluster.ownership import STACK_ID
from sandbox.instance import Instance
from sandbox.names import CACHE
from sandbox.toolchain.build import programs
from sandbox.toolchain.modules import HELM
from tests.support.counts import Servers

IMAGE = "IMAGE"
Object = dict[str, Any]


def objects(resources: Sequence[dict[str, Any]], namespace: str) -> list[Object]:
    """The Kubernetes objects of a stack as a team would write them, with IMAGE for the image."""
    found = []
    for resource in resources:
        if not resource["type"].startswith("kubernetes:"):
            continue
        inputs = json.loads(json.dumps({key: value for key, value in resource["inputs"].items() if key[:2] != "__"}))
        metadata = inputs["metadata"]
        metadata.get("labels", {}).pop(STACK_ID, None)
        kept = {key: value for key, value in metadata.get("annotations", {}).items() if "pulumi.com" not in key}
        inputs["metadata"] = {key: value for key, value in metadata.items() if key != "annotations"} | {
            "namespace": namespace,
            **({"annotations": kept} if kept else {}),
        }
        if inputs["kind"] == "Deployment":
            inputs["spec"]["template"]["spec"]["containers"][0]["image"] = IMAGE
        found.append(inputs)
    return found


class Kubectl:
    """`kubectl apply` of one file, and `kubectl rollout status` of the Deployment."""

    def __init__(self, instance: Instance, folder: Path, namespace: str, declared: Sequence[Object]) -> None:
        folder.mkdir(parents=True)
        self._folder, self._declared, self._namespace = folder, declared, namespace
        self._environment = plain_environment(instance.environment())
        self._servers = Servers(instance)

    def choose(self, version: str) -> None:
        """Writes the file with another image, as a job does with `sed`."""
        text = "---\n".join(json.dumps(one) + "\n" for one in self._declared)
        (self._folder / "app.yaml").write_text(
            text.replace(f'"{IMAGE}"', f'"{REPOSITORY}:{version}"'), encoding="utf-8"
        )

    def up(self) -> Sample:
        """Measures both commands."""
        status = f"kubectl rollout status deployment/web --namespace {self._namespace}"
        return self._run("sh", "-ec", f"kubectl apply --filename app.yaml; {status}")

    def preview(self) -> Sample:
        """Measures `kubectl diff`."""
        return self._run("kubectl", "diff", "--filename", "app.yaml")

    def destroy(self) -> Sample:
        """Measures `kubectl delete`."""
        return self._run("kubectl", "delete", "--filename", "app.yaml", "--wait")

    def _run(self, *command: str) -> Sample:
        return measure(command, cwd=self._folder, environment=self._environment, servers=self._servers)


class Helm:
    """`helm upgrade --install --wait` of a chart with the same objects."""

    def __init__(self, instance: Instance, folder: Path, namespace: str, declared: Sequence[Object]) -> None:
        templates = folder / "chart" / "templates"
        templates.mkdir(parents=True)
        chart = {"apiVersion": "v2", "name": "web", "version": "1.0.0"}
        (folder / "chart" / "Chart.yaml").write_text(json.dumps(chart), encoding="utf-8")
        text = "---\n".join(json.dumps(one) + "\n" for one in declared)
        (templates / "app.yaml").write_text(text.replace(f'"{IMAGE}"', "{{ .Values.image | quote }}"), encoding="utf-8")
        self._folder, self._namespace = folder, namespace
        self._helm = programs(HELM, CACHE)["helm"]
        homes = {f"HELM_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        self._environment = plain_environment(instance.environment()) | homes
        self._servers = Servers(instance)
        self._image = ""

    @property
    def version(self) -> str:
        """What it says it is."""
        return quietly([self._helm, "version", "--short"], cwd=self._folder, environment=self._environment).strip()

    def choose(self, version: str) -> None:
        """Another image, of the next upgrade."""
        self._image = f"{REPOSITORY}:{version}"

    def up(self) -> Sample:
        """Measures an upgrade."""
        return self._run("upgrade", "--install", "web", "chart", "--set", f"image={self._image}", "--wait")

    def destroy(self) -> Sample:
        """Measures `helm uninstall`."""
        return self._run("uninstall", "web", "--wait")

    def _run(self, *arguments: str) -> Sample:
        command: list[str | Path] = [self._helm, *arguments, "--namespace", self._namespace]
        return measure(command, cwd=self._folder, environment=self._environment, servers=self._servers)
