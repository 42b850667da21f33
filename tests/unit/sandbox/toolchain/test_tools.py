"""Programs of the machine are used where all of a kind are there in the right version; whatever is missing is built."""

from pathlib import Path

import pytest

from sandbox.toolchain import tools, wheels
from sandbox.toolchain.build import Module
from sandbox.toolchain.modules import CLI, DOCKER, DOCKER_VERSION, KUBE_ROUTER, KUBERNETES, PROVIDER, PROVIDER_VERSION
from tests.support.programs import program

LANGUAGE_HOST = ("pulumi-language-python", "pulumi-language-python-exec")


def install_pulumi(folder: Path, version: str, beside: tuple[str, ...] = LANGUAGE_HOST) -> None:
    program(folder, "pulumi", f"echo {version}")
    for name in beside:
        program(folder, name, "exit 1")


def install_kubernetes(folder: Path, version: str, etcd: str = "3.6.11") -> None:
    for name in KUBERNETES.programs:
        program(folder, name, f"echo Kubernetes {version}")
    program(folder, "kubectl", f'[ "$*" = "version --client" ] && echo Client Version: {version}')
    program(folder, "etcd", f"echo etcd Version: {etcd}; echo Go Version: go1.26.8")


@pytest.mark.parametrize("version", ["v3.250.0", "v3.250.7", "v3.300.1"])
def test_a_pulumi_release_that_is_new_enough_is_used(tmp_path: Path, version: str) -> None:
    install_pulumi(tmp_path / "release", version)
    found = tools.own_pulumi(str(tmp_path / "release"))
    assert found == {name: tmp_path / "release" / name for name in ("pulumi", *LANGUAGE_HOST)}


@pytest.mark.parametrize("version", ["v3.249.9", "v4.0.0", "v3.25.0", "no version at all"])
def test_another_pulumi_is_not_used(tmp_path: Path, version: str) -> None:
    install_pulumi(tmp_path, version)
    assert tools.own_pulumi(str(tmp_path)) is None


@pytest.mark.parametrize("missing", LANGUAGE_HOST)
def test_pulumi_without_its_language_host_is_not_used(tmp_path: Path, missing: str) -> None:
    install_pulumi(tmp_path, "v3.250.0", tuple(name for name in LANGUAGE_HOST if name != missing))
    assert tools.own_pulumi(str(tmp_path)) is None


def test_a_link_to_pulumi_leads_to_the_rest_of_the_release(tmp_path: Path) -> None:
    install_pulumi(tmp_path / "release", "v3.250.0")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(tmp_path / "release" / "pulumi")
    found = tools.own_pulumi(str(tmp_path / "bin"))
    assert found
    assert found["pulumi-language-python"] == tmp_path / "release" / "pulumi-language-python"


def test_kubernetes_of_the_right_minor_version_is_used(tmp_path: Path) -> None:
    install_kubernetes(tmp_path, "v1.35.9")
    assert tools.own_kubernetes(str(tmp_path)) == {name: tmp_path / name for name in KUBERNETES.programs}


@pytest.mark.parametrize(("version", "etcd"), [("v1.34.4", "3.6.7"), ("v1.36.0", "3.6.7"), ("v1.35.2", "3.5.21")])
def test_another_kubernetes_is_not_used(tmp_path: Path, version: str, etcd: str) -> None:
    install_kubernetes(tmp_path, version, etcd)
    assert tools.own_kubernetes(str(tmp_path)) is None


@pytest.mark.parametrize("missing", KUBERNETES.programs)
def test_kubernetes_that_lacks_a_program_is_not_used(tmp_path: Path, missing: str) -> None:
    install_kubernetes(tmp_path, "v1.35.2")
    (tmp_path / missing).unlink()
    assert tools.own_kubernetes(str(tmp_path)) is None


def test_a_program_that_cannot_be_run_is_not_used(tmp_path: Path) -> None:
    install_pulumi(tmp_path, "v3.250.0")
    (tmp_path / "pulumi").write_text("#!/nowhere/to/be/found\n")
    assert tools.own_pulumi(str(tmp_path)) is None


def test_a_plugin_of_exactly_this_version_is_used(tmp_path: Path) -> None:
    plugin = program(tmp_path / "plugins" / "resource-kubernetes-v4.2.0", "pulumi-resource-kubernetes", "")
    assert tools.own_plugin("kubernetes", "4.2.0", tmp_path) == plugin
    assert tools.own_plugin("kubernetes", "4.2.1", tmp_path) is None


def test_only_what_is_missing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Module] = []

    def build(module: Module, cache: Path) -> dict[str, Path]:
        built.append(module)
        return {name: cache / name for name in module.programs}

    monkeypatch.setattr(tools, "programs", build)
    monkeypatch.setattr(wheels, "traefik", lambda cache: {"traefik": cache / "traefik"})
    path, home, cache = tmp_path / "bin", tmp_path / "home", tmp_path / "cache"
    found = tools.provide(cache, str(path), home)
    assert built == [CLI, KUBERNETES, KUBE_ROUTER, PROVIDER, DOCKER]
    assert found["kubelet"] == cache / "kubelet"
    built.clear()
    install_pulumi(path, "v3.250.0")
    install_kubernetes(path, "v1.35.2")
    plugin = program(home / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}", "pulumi-resource-kubernetes", "")
    docker = program(home / "plugins" / f"resource-docker-v{DOCKER_VERSION}", "pulumi-resource-docker", "")
    found = tools.provide(cache, str(path), home)
    assert built == [KUBE_ROUTER]
    modules = (CLI, KUBERNETES, KUBE_ROUTER, PROVIDER, DOCKER)
    assert set(found) == {
        "traefik",
        "pulumi-language-python",
        *(name for module in modules for name in module.programs),
    }
    assert found["pulumi-resource-kubernetes"] == plugin
    assert found["pulumi-resource-docker"] == docker
    assert found["kubelet"] == path / "kubelet"


def test_links_follow_the_programs(tmp_path: Path) -> None:
    old, new, folder = tmp_path / "old", tmp_path / "new", tmp_path / "bin"
    for place in (old, new):
        program(place, "pulumi", "")
    tools.link({"pulumi": old / "pulumi", "kubectl": old / "kubectl"}, ("pulumi", "kubectl"), folder)
    tools.link({"pulumi": new / "pulumi"}, ("pulumi",), folder)
    assert [link.name for link in folder.iterdir()] == ["pulumi"]
    assert (folder / "pulumi").samefile(new / "pulumi")
