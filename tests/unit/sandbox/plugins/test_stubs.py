"""What the sandbox's plugins load, each of them a process of every run of Pulumi."""

import json
import subprocess
import sys

import pytest

from tests.support.project import ROOT


@pytest.mark.parametrize("plugin", ["gitlab", "language_python"])
def test_a_plugin_loads_the_stubs_of_the_sdk_and_nothing_else_of_it(plugin: str) -> None:
    code = f"import json, sys, sandbox.plugins.{plugin}.__main__; print(json.dumps(list(sys.modules)))"
    modules = {name for name in answer(code) if name.partition(".")[0] in {"pulumi", "opentelemetry", "dill"}}
    assert modules == {name for name in modules if name.startswith("pulumi.runtime.proto.")}
    assert len(modules) > 5


def test_the_sdk_is_whole_for_whoever_imports_it_after_the_stubs() -> None:
    whole = "import json, pulumi, pulumi.provider.experimental.server; print(json.dumps(sorted(vars(pulumi))))"
    assert answer(f"import sandbox.plugins.stubs; {whole}") == answer(whole)


def answer(code: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(run.stdout)
    return found
