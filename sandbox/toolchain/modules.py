"""The Go modules whose programs the sandbox runs, and how each is completed."""

import json
import shutil
from collections.abc import Callable

from sandbox.toolchain.build import Build, Module

PULUMI_VERSION = "3.250.0"
"""Goes with pulumi in requirements.txt."""
PROVIDER_VERSION = "4.25.0"
"""Goes with pulumi-kubernetes in requirements.txt."""
DOCKER_VERSION = "5.2.0"
"""Goes with pulumi-docker in requirements.txt."""
KUBERNETES_VERSION = "1.35.4"
KUBE_ROUTER_VERSION = "2.1.0"

PROVIDER_PLUGIN = "pulumi-resource-kubernetes"
DOCKER_PLUGIN = "pulumi-resource-docker"
PROVIDER_SOURCE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
PYTHON_EXEC = "pulumi-language-python-exec"
SDK = "github.com/pulumi/pulumi/sdk/v3"


def _add_python_exec(build: Build) -> None:
    """Add the script in which a Pulumi program runs; it is part of the SDK of the same version."""
    target = build.programs / PYTHON_EXEC
    shutil.copyfile(build.folder_of(SDK) / "python" / "cmd" / PYTHON_EXEC, target)
    target.chmod(0o755)


def _name_etcd(build: Build) -> None:
    """Go names a program after the last part of its package's path."""
    (build.programs / "server").rename(build.programs / "etcd")


def _add_schema(build: Build) -> None:
    """Put what the provider embeds beside its main.go; a release's build is what sets the version in it."""
    source = build.folder_of(PROVIDER_SOURCE) / "cmd" / PROVIDER_PLUGIN
    shutil.copyfile(source / "terraform-mapping.json", build.sources / "terraform-mapping.json")
    schema = json.loads((source / "schema.json").read_text(encoding="utf-8"))
    (build.sources / "schema.json").write_text(json.dumps({**schema, "version": PROVIDER_VERSION}), encoding="utf-8")


def _name(plugin: str) -> Callable[[Build], None]:
    """Name it as it is looked for; Go called it after the last part of its package's path."""

    def rename(build: Build) -> None:
        (program,) = build.programs.iterdir()
        program.rename(build.programs / plugin)

    return rename


CLI = Module(
    name="cli",
    title=f"pulumi CLI v{PULUMI_VERSION}",
    programs=("pulumi", PYTHON_EXEC),
    expected="4 min",
    variables=(f"{SDK}/go/common/version.Version=v{PULUMI_VERSION}",),
    finish=_add_python_exec,
)
LANGUAGE = Module(
    name="language",
    title="pulumi-language-python",
    programs=("pulumi-language-python",),
    expected="20 s",
)
KUBERNETES = Module(
    name="kubernetes",
    title=f"Kubernetes v{KUBERNETES_VERSION} and etcd",
    programs=(
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy",
        "kube-scheduler",
        "kubectl",
        "kubelet",
    ),
    expected="5 min",
    variables=(
        f"k8s.io/component-base/version.gitVersion=v{KUBERNETES_VERSION}",
        "k8s.io/component-base/version.gitMajor=1",
        "k8s.io/component-base/version.gitMinor=35",
    ),
    finish=_name_etcd,
)
PROVIDER = Module(
    name="kubernetes-provider",
    title=f"{PROVIDER_PLUGIN} v{PROVIDER_VERSION}",
    programs=(PROVIDER_PLUGIN,),
    expected="7 min",
    prepare=_add_schema,
    finish=_name(PROVIDER_PLUGIN),
    target=".",
)
DOCKER = Module(
    name="docker-provider",
    title=f"{DOCKER_PLUGIN} v{DOCKER_VERSION}",
    programs=(DOCKER_PLUGIN,),
    expected="3 min",
    finish=_name(DOCKER_PLUGIN),
    target=".",
    tags=("no_compose",),
)
KUBE_ROUTER = Module(
    name="kube-router",
    title=f"kube-router v{KUBE_ROUTER_VERSION}",
    programs=("kube-router",),
    expected="2 min",
    variables=(f"github.com/cloudnativelabs/kube-router/v2/pkg/version.Version=v{KUBE_ROUTER_VERSION}",),
)
S3 = Module(
    name="s3",
    title="versitygw, an S3 server",
    programs=("versitygw",),
    expected="2 min",
)
"""For the tests of a stack whose state is in a bucket."""
COMPOSE = Module(
    name="compose",
    title="Docker Compose v2",
    programs=("docker-compose",),
    expected="2 min",
    finish=_name("docker-compose"),
)
"""For bench/docker_up.py."""
