"""The language host runs a program as the official one does."""

import sys

import pytest

from sandbox.toolchain.versions import python_package
from tests.engine.plugins.language_python.conftest import Program

ENVIRONMENT = """\
import os, sys
import pulumi
pulumi.export("prefix", sys.prefix)
pulumi.export("virtualenv", os.environ["VIRTUAL_ENV"])
pulumi.export("first", os.environ["PATH"].split(os.pathsep)[0])
pulumi.export("pythonpath", os.environ.get("PYTHONPATH", "none"))
pulumi.export("root", pulumi.get_root_directory())
pulumi.export("stack", f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
pulumi.export("plain", pulumi.Config().require("plain"))
pulumi.export("secret", pulumi.Config().require_secret("hidden"))
print("said on stdout")
print("said on stderr", file=sys.stderr)
"""


def test_a_program_runs_in_its_projects_virtual_environment_with_none_in_the_shell(program: Program) -> None:
    program.write(ENVIRONMENT)
    assert program.pulumi("config", "set", "plain", "a value").code == 0
    assert program.pulumi("config", "set", "--secret", "hidden", "canary-5uVw9Qz7").code == 0
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.code == 0, up.text
    assert "said on stdout" in up.stdout
    assert "said on stderr" in up.stdout
    virtualenv = str(program.folder / ".venv")
    outputs = program.outputs()
    assert outputs.pop("prefix") in (virtualenv, sys.prefix)
    assert outputs == {
        "virtualenv": virtualenv,
        "first": f"{virtualenv}/bin",
        "pythonpath": "none",
        "root": str(program.folder),
        "stack": "organization/small/test",
        "plain": "a value",
        "secret": "[secret]",
    }
    assert "canary-5uVw9Qz7" not in up.text


@pytest.mark.parametrize(
    ("text", "said", "silent"),
    [
        ("raise SystemExit(3)", "program exited with non-zero exit code: 3", "Traceback"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "non-zero exit code: -1", "Traceback"),
        ("import pulumi; raise pulumi.RunError('the port is taken')", "error: the port is taken", "Traceback"),
        # What pulumi-language-python-exec ends with once it has reported the error itself.
        ("import os, pulumi; pulumi.log.error('it is reported'); os._exit(32)", "it is reported", "exit code"),
        ("print(undefined)", "NameError: name 'undefined' is not defined", "language_python"),
    ],
)
def test_a_program_that_fails_is_reported_in_the_official_words(
    program: Program, text: str, said: str, silent: str
) -> None:
    program.write(text)
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.code != 0
    assert said in up.text
    assert silent not in up.text


def test_the_plugins_of_the_installed_packages_are_required(program: Program) -> None:
    listed = program.pulumi("plugin", "ls", "--project")
    assert listed.code == 0, listed.text
    found = {tuple(line.split()[:3]) for line in listed.stdout.splitlines()}
    for name in ("kubernetes", "gitlab", "docker"):
        assert (name, "resource", python_package(f"pulumi-{name}")) in found
    assert not [row for row in found if row[:1] == ("policy",)]


def test_about_names_the_interpreter_and_the_packages(program: Program) -> None:
    about = program.pulumi("about")
    assert f"{program.folder}/.venv/bin/python" in about.text
    assert "{}.{}.{}".format(*sys.version_info) in about.text
    assert ["pulumi_kubernetes", python_package("pulumi-kubernetes")] in map(str.split, about.stdout.splitlines())


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("toolchain: uv", "has no toolchain uv: set runtime.options.toolchain to pip"),
        ("toolchain: conda", "unsupported toolchain option: conda"),
        ("virtualenv: 3", "virtualenv option must be a string"),
        ("typechecker: mypy", "runs no type checker: take runtime.options.typechecker out"),
    ],
)
def test_an_option_that_is_not_supported_is_refused_in_a_sentence(program: Program, option: str, said: str) -> None:
    program.options(option)
    program.write("")
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.code != 0
    assert said in up.text
    assert "Traceback" not in up.text
