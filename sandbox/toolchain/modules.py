"""The Go modules whose programs the sandbox runs, and how each is completed."""

import json
import shutil
from collections.abc import Callable

from sandbox.toolchain.build import Build, Module
from sandbox.toolchain.versions import go_module, python_package

PULUMI_VERSION = go_module("cli", "github.com/pulumi/pulumi/pkg/v3")
PROVIDER_VERSION = python_package("pulumi-kubernetes")
DOCKER_VERSION = python_package("pulumi-docker")
KUBERNETES_VERSION = go_module("kubernetes", "k8s.io/kubernetes")
KUBE_ROUTER_VERSION = go_module("kube-router", "github.com/cloudnativelabs/kube-router/v2")

PROVIDER_PLUGIN = "pulumi-resource-kubernetes"
DOCKER_PLUGIN = "pulumi-resource-docker"
PROVIDER_SOURCE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
LANGUAGE_HOST = "pulumi-language-python"
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
        f"k8s.io/component-base/version.gitMajor={KUBERNETES_VERSION.split('.')[0]}",
        f"k8s.io/component-base/version.gitMinor={KUBERNETES_VERSION.split('.')[1]}",
    ),
    finish=_name_etcd,
)
PROVIDER = Module(
    name="kubernetes-provider",
    title=f"{PROVIDER_PLUGIN} v{PROVIDER_VERSION}",
    programs=(PROVIDER_PLUGIN,),
    expected="7 min",
    variables=(f"main.version={PROVIDER_VERSION}",),
    prepare=_add_schema,
    finish=_name(PROVIDER_PLUGIN),
    target=".",
)
DOCKER = Module(
    name="docker-provider",
    title=f"{DOCKER_PLUGIN} v{DOCKER_VERSION}",
    programs=(DOCKER_PLUGIN,),
    expected="3 min",
    variables=(f"main.version={DOCKER_VERSION}",),
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
"""For the measurements of bench."""
HELM = Module(
    name="helm",
    title="Helm v4",
    programs=("helm",),
    expected="3 min",
)
"""For the measurements of bench."""
TRAEFIK_2 = Module(
    name="traefik2",
    title=f"Traefik v{go_module('traefik2', 'github.com/traefik/traefik/v2')}",
    programs=("traefik",),
    expected="6 min",
)
"""Of the versions before 3; the page of its API is not in the module."""
