"""`pulumi install` makes the virtual environment that Pulumi.yaml names, and a run makes one that does not exist."""

import shutil
from pathlib import Path

import pytest

from tests.engine.plugins.language_python.conftest import Program, made_in
from tests.support.project import Run

GREETING = "lib/python3.*/site-packages/greeting*"


def forget(program: Program) -> Path:
    """Takes the virtual environment of the tests out of a project that requires `greeting`; where its own will be."""
    virtualenv = program.folder / ".venv"
    virtualenv.unlink()
    program.write("import greeting, pulumi, sys\npulumi.export('prefix', sys.prefix)\n")
    (program.folder / "requirements.txt").write_text("greeting==1.0\n")
    return virtualenv


@pytest.fixture
def fresh(program: Program) -> Path:
    """The virtual environment of a project that has none yet."""
    return forget(program)


@pytest.fixture(scope="module")
def installed(
    tmp_path_factory: pytest.TempPathFactory, engine: dict[str, str], packages: dict[str, str]
) -> tuple[Program, Run, set[str]]:
    """A project with its own virtual environment, what installed it printed, and the files that it made."""
    program = made_in(tmp_path_factory.mktemp("installed"), engine)
    forget(program)
    before = {entry.name for entry in program.folder.iterdir()}
    done = program.pulumi("install", "--no-plugins", **packages)
    return program, done, {entry.name for entry in program.folder.iterdir()} - before


def test_install_makes_the_projects_own_virtual_environment(
    installed: tuple[Program, Run, set[str]], packages: dict[str, str]
) -> None:
    program, done, made = installed
    assert done.code == 0, done.text
    for line in (
        "Installing dependencies...",
        "Successfully installed greeting-1.0",
        "Finished installing dependencies",
    ):
        assert line in done.text
    assert made == {".venv"}
    up = program.pulumi("up", "--yes", "--skip-preview", PYTHONPATH=packages["PYTHONPATH"])
    assert up.code == 0, up.text
    assert program.outputs()["prefix"] == str(program.folder / ".venv")


def test_in_the_sandboxs_shell_install_takes_the_projects_own_virtual_environment(
    installed: tuple[Program, Run, set[str]], engine: dict[str, str], packages: dict[str, str]
) -> None:
    virtualenv = (program := installed[0]).folder / ".venv"
    for entry in virtualenv.glob(GREETING):
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    activated = {name: engine[name] for name in ("PATH", "VIRTUAL_ENV")}
    done = program.pulumi("install", "--no-plugins", **packages, **activated)
    assert done.code == 0, done.text
    assert "Successfully installed greeting-1.0" in done.text
    assert list(virtualenv.glob(GREETING))


def test_a_package_that_cannot_be_installed_fails_the_installation_with_pips_words(
    installed: tuple[Program, Run, set[str]], packages: dict[str, str]
) -> None:
    program = installed[0]
    required = program.folder / "requirements.txt"
    before = required.read_text()
    required.write_text("greeting==2.0\n")
    done = program.pulumi("install", "--no-plugins", **packages)
    required.write_text(before)
    assert done.code != 0
    assert "No matching distribution found for greeting==2.0" in done.text
    python = program.folder / ".venv" / "bin" / "python"
    assert f"installing dependencies via '{python} -m pip install -r requirements.txt': exit status 1" in done.text
    assert "Traceback" not in done.text


def test_a_run_makes_a_virtual_environment_that_does_not_exist(
    program: Program, fresh: Path, packages: dict[str, str]
) -> None:
    up = program.pulumi("up", "--yes", "--skip-preview", **packages)
    assert up.code == 0, up.text
    assert program.outputs()["prefix"] == str(fresh)


def test_a_folder_that_is_no_virtual_environment_is_refused_with_the_commands(program: Program, fresh: Path) -> None:
    fresh.mkdir()
    (fresh / "file").touch()
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.code != 0
    assert f'"{fresh}" doesn\'t appear to be a virtual environment' in up.text
    assert f"1. python3 -m venv {fresh}\n" in up.text
    assert "Traceback" not in up.text


def test_a_file_in_place_of_the_virtual_environment_is_refused(program: Program, fresh: Path) -> None:
    fresh.touch()
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.code != 0
    assert f'set to "{fresh}" but it is not a directory' in up.text
