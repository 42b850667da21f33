"""What the program loads of the providers' SDKs, counted in modules: a run pays for each before it does anything."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import ROOT

WITHOUT_GITLAB = ("access", "registry")
PROGRAM = """\
import json, sys
from pathlib import Path
import pytest
from components.rollout.rollout import Rollout
from tests.support.main_program import run_program
async def wait(*_): pass
folder, without, keys = sys.argv[1:]
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(Rollout, "wait", wait)
    run_program(patch, Path(folder), *json.loads(without), **json.loads(keys))
print(json.dumps(sorted(sys.modules)))
"""


def loaded(tmp_path: Path, *without: str, **keys: object) -> set[str]:
    """The modules that a run of the program with every committed block but those has loaded when it ends."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), json.dumps(without), json.dumps(keys)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def of(sdk: str, modules: set[str]) -> set[str]:
    """Those of the SDK that define something, by their names in it."""
    return {module.removeprefix(f"{sdk}.") for module in modules if module.startswith(f"{sdk}.")} - {"_utilities"}


def kinds(modules: set[str]) -> set[str]:
    """The types of Kubernetes: the modules with a name such as `core.v1.Secret`."""
    return {kind for kind in of("pulumi_kubernetes", modules) if re.fullmatch(r"\w+\.v\w+\.[A-Z]\w+", kind)}


def test_a_stack_without_gitlab_loads_none_of_its_sdk(tmp_path: Path) -> None:
    modules = loaded(tmp_path, *WITHOUT_GITLAB, kubernetes={"namespace": "example"})
    assert not of("pulumi_gitlab", modules)
    assert of("pulumi_kubernetes", modules)
    assert of("pulumi_docker", modules)


def test_a_stack_without_kubernetes_loads_none_of_its_sdk(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "kubernetes", *WITHOUT_GITLAB)
    assert not of("pulumi_kubernetes", modules)
    assert of("pulumi_docker", modules)


def test_a_stack_with_access_alone_loads_nothing_of_an_application(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "app", "kubernetes", "dockerHost", "registry")
    assert not of("pulumi_docker", modules)
    assert of("pulumi_gitlab", modules) == {"project_variable", "provider"}
    assert kinds(modules) == {
        *("core.v1.Namespace", "core.v1.Secret", "core.v1.ServiceAccount"),
        *("networking.v1.NetworkPolicy", "rbac.v1.RoleBinding"),
    }


def test_a_job_that_deploys_to_a_cluster_loads_no_other_part_of_the_program(tmp_path: Path) -> None:
    target = {"namespace": "example", "pullSecret": "registry"}
    modules = loaded(tmp_path, *WITHOUT_GITLAB, "dockerHost", kubernetes=target)
    rooms = {module.split(".")[1] for module in modules if module.startswith("components.")}
    assert "kubernetes_app" in rooms
    assert rooms.isdisjoint({"access", "compose", "manifests", "protection", "source"})
    # The harness of this test has loaded what asks a proxy.
    assert modules.isdisjoint(
        {f"components.docker_app.{name}" for name in ("args", "claims", "docker_app", "host_check")}
    )
    assert not of("pulumi_gitlab", modules)
    assert not of("pulumi_docker", modules)


def test_a_whole_stack_loads_of_each_sdk_what_it_declares(tmp_path: Path) -> None:
    modules = loaded(tmp_path)
    assert of("pulumi_gitlab", modules) == {"project_deploy_token", "project_variable", "provider"}
    assert of("pulumi_docker", modules) == {"_enums", "_inputs", "container", "outputs", "provider", "remote_image"}
    assert len(kinds(modules)) == 9, kinds(modules)


@pytest.mark.parametrize("package", ["pulumi_gitlab", "pulumi_docker", "pulumi_kubernetes.core.v1"])
def test_every_name_of_a_package_is_what_its_own_code_makes_of_it(package: str) -> None:
    named = f"""\
import json, re, types, {package} as package
def has_module(name):
    of = getattr(package, name)
    module = of.__name__ if isinstance(of, types.ModuleType) else getattr(of, "__module__", None) or ""
    own = (name, re.sub("(?<!^)(?=[A-Z])", "_", name).lower(), "_inputs")
    return module in [f"{package}.{{each}}" for each in own]
found = []
for name in NAMES:
    made = str(getattr(package, name)).partition(" at 0x")[0]
    found.append((name, made, type(package) is types.ModuleType))
print(json.dumps(found))
"""
    # Those with no module of their own come last: with the first of them all are loaded.
    own = "[name for name in vars(package) if name[0] != '_']"
    whole = answer(named.replace("NAMES", f"sorted({own}, key=has_module, reverse=True)"))
    assert len(whole) > 20
    lazy = "from components import sdk; sdk.load_as_used()\n"
    as_used = answer(lazy + named.replace("NAMES", str([name for name, *_ in whole])))
    assert [(name, made) for name, made, _ in as_used] == [(name, made) for name, made, _ in whole]
    assert sum(not is_whole for *_, is_whole in as_used) > len(whole) / 4


def test_a_name_that_a_package_does_not_have_is_an_error() -> None:
    code = """\
from components import sdk; sdk.load_as_used()
import json, pulumi_docker
try:
    pulumi_docker.Nothing
except AttributeError as error:
    print(json.dumps(str(error)))
"""
    assert answer(code) == "module 'pulumi_docker' has no attribute 'Nothing'"


def answer(code: str) -> Any:
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
