"""Preview of 50 objects: `kubernetes.manifests` against a flat program with `ConfigFile` of the same files, in turn.

    eval "$(make -s env)"; .venv/bin/python bench/manifests.py [--name sandbox] [--rounds 7]

Needs the sandbox to be up. Both stacks are deployed first, each in a namespace of its own; what is measured is the
preview that finds nothing to change. The Deployments have no Pods, which a preview does not look at.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.example import images as site  # noqa: E402 - found through the line above
from sandbox.instance import Instance  # noqa: E402
from tests.support.project import Project  # noqa: E402

ROUNDS = 7
SERVICES = 10
"""Each is five objects: Deployment, Service, ConfigMap, ServiceAccount, Ingress."""
IMAGE = f"registry.sandbox.test/{site.REPOSITORY}:1.0.0"
FLAT = """\
import glob

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.yaml.v2 import ConfigFile

provider = Provider("cluster", namespace=pulumi.Config().require("namespace"))
for file in sorted(glob.glob("kubernetes/*.yml")):
    ConfigFile(file, file=file, opts=pulumi.ResourceOptions(provider=provider))
"""
Sample = tuple[float, float]
"""Seconds by the clock, and of the processor."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A sample of each round, in their order."""

    ours: Sequence[Sample]
    flat: Sequence[Sample]

    def ratio(self, of: int) -> float:
        """The median of ours by that of the flat program: 0 by the clock, 1 of the processor."""
        return statistics.median(each[of] for each in self.ours) / statistics.median(each[of] for each in self.flat)


def main() -> None:
    """Prints both medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="sandbox", help="which sandbox (default: sandbox)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how many pairs (default: {ROUNDS})")
    arguments = parser.parse_args()
    instance = Instance(arguments.name)
    site.publish(instance.gitlab.registry, instance.gitlab.credentials)
    with tempfile.TemporaryDirectory() as temporary:
        measured = measure(os.environ | instance.environment(), Path(temporary), arguments.rounds)
    for name, samples in (("kubernetes.manifests", measured.ours), ("ConfigFile", measured.flat)):
        wall, cpu = (statistics.median(each[number] for each in samples) for number in (0, 1))
        print(f"{name:20} {wall:5.2f} s   {cpu:5.2f} s CPU   (median of {len(samples)})")
    print(f"ratio                {measured.ratio(0):5.2f}     {measured.ratio(1):5.2f}")


def measure(environment: Mapping[str, str], folder: Path, rounds: int = ROUNDS) -> Measured:
    """Previews both stacks in turn, `rounds` times, in an environment with Pulumi, a registry and a cluster."""
    programs = [_ours(environment, folder / "ours"), _flat(environment, folder / "flat")]
    samples: list[list[Sample]] = [[], []]
    try:
        for preview in programs:
            preview()
        for _ in range(rounds):
            for preview, taken in zip(programs, samples, strict=True):
                taken.append(_timed(preview))
                print(f"{taken[-1][0]:.2f} s, {taken[-1][1]:.2f} s CPU", end="   ", flush=True)
            print()
    finally:
        for namespace in ("bench-ours", "bench-flat"):
            _run("kubectl", "delete", "namespace", namespace, "--wait=false", cwd=folder, env=environment)
    return Measured(ours=samples[0], flat=samples[1])


def _timed(preview: Callable[[], object]) -> Sample:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    preview()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, cpu


def _ours(environment: Mapping[str, str], folder: Path) -> Callable[[], object]:
    (folder / "program").mkdir(parents=True)
    (folder / "state").mkdir()
    project = Project(
        folder / "program", {**environment, "PULUMI_BACKEND_URL": (folder / "state").as_uri()}, stack="bench"
    )
    _run("kubectl", "create", "namespace", "bench-ours", cwd=folder, env=environment)
    block = {"namespace": "bench-ours", "manifests": ["kubernetes/*.yml"]}
    project.configure({"cluster": "bench", "image": IMAGE, "kubernetes": block})
    return _deployed(project.folder, project.environment)


def _flat(environment: Mapping[str, str], folder: Path) -> Callable[[], object]:
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: flat\nruntime: {name: python, options: {virtualenv: .venv}}\n")
    (folder / "Pulumi.bench.yaml").write_text("config: {flat:namespace: bench-flat}\n")
    (folder / "__main__.py").write_text(FLAT)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "state").mkdir()
    _run("kubectl", "create", "namespace", "bench-flat", cwd=folder, env=environment)
    return _deployed(folder, {**environment, "PULUMI_BACKEND_URL": (folder / "state").as_uri()})


def _deployed(folder: Path, environment: Mapping[str, str]) -> Callable[[], object]:
    """Deploys the stack `bench` of a folder; gives what previews it."""
    (folder / "kubernetes").mkdir()
    for number in range(SERVICES):
        text = yaml.safe_dump_all(_service(f"service-{number}"))
        (folder / "kubernetes" / f"service-{number}.yml").write_text(text)
    stack = ("--non-interactive", "--stack", "bench")
    _run("pulumi", "stack", "init", "bench", "--non-interactive", cwd=folder, env=environment)
    _run("pulumi", "up", "--yes", "--skip-preview", *stack, cwd=folder, env=environment)
    return lambda: _run("pulumi", "preview", "--expect-no-changes", *stack, cwd=folder, env=environment)


def _service(name: str) -> list[dict[str, object]]:
    labels = {"app": name}
    container = {
        "name": "web",
        "image": IMAGE,
        "ports": [{"containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": name}}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }
    backend = {"service": {"name": name, "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    specs: dict[str, tuple[str, dict[str, object]]] = {
        "ConfigMap": ("v1", {"data": {"NAME": name, "LEVEL": "info"}}),
        "ServiceAccount": ("v1", {}),
        "Service": ("v1", {"spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}),
        "Ingress": (
            "networking.k8s.io/v1",
            {"spec": {"rules": [{"host": f"{name}.example.org", "http": {"paths": paths}}]}},
        ),
        "Deployment": (
            "apps/v1",
            {
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"serviceAccountName": name, "containers": [container]},
                    },
                }
            },
        ),
    }
    return [
        # The flat program would wait for an address, which the sandbox has none to give.
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "annotations": {"pulumi.com/skipAwait": "true"}},
            **rest,
        }
        for kind, (version, rest) in specs.items()
    ]


def _run(*command: str, cwd: Path, env: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
