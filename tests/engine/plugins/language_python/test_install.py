"""`pulumi install` makes the virtual environment that Pulumi.yaml names, and a run makes one that does not exist."""

from pathlib import Path

import pytest

from tests.engine.plugins.language_python.conftest import Program


@pytest.fixture
def fresh(program: Program) -> Path:
    """The virtual environment of a project that has none yet and requires `greeting`."""
    virtualenv = program.folder / ".venv"
    virtualenv.unlink()
    program.write("import greeting, pulumi, sys\npulumi.export('prefix', sys.prefix)\n")
    (program.folder / "requirements.txt").write_text("greeting==1.0\n")
    return virtualenv


@pytest.mark.parametrize("activated", [False, True], ids=["plain shell", "the sandbox's shell"])
def test_install_makes_the_projects_own_virtual_environment(
    program: Program, engine: dict[str, str], fresh: Path, packages: dict[str, str], *, activated: bool
) -> None:
    if activated:
        program.environment |= {name: engine[name] for name in ("PATH", "VIRTUAL_ENV")}
    before = {entry.name for entry in program.folder.iterdir()}
    done = program.pulumi("install", "--no-plugins", **packages)
    assert done.code == 0, done.text
    for line in (
        "Installing dependencies...",
        "Successfully installed greeting-1.0",
        "Finished installing dependencies",
    ):
        assert line in done.text
    assert list(fresh.glob("lib/python3.*/site-packages/greeting.py"))
    assert {entry.name for entry in program.folder.iterdir()} == before | {".venv"}
    up = program.pulumi("up", "--yes", "--skip-preview", PYTHONPATH=packages["PYTHONPATH"])
    assert up.code == 0, up.text
    assert program.outputs()["prefix"] == str(fresh)


def test_a_run_makes_a_virtual_environment_that_does_not_exist(
    program: Program, fresh: Path, packages: dict[str, str]
) -> None:
    up = program.pulumi("up", "--yes", "--skip-preview", **packages)
    assert up.code == 0, up.text
    assert program.outputs()["prefix"] == str(fresh)


def test_a_package_that_cannot_be_installed_fails_the_installation_with_pips_words(
    program: Program, fresh: Path, packages: dict[str, str]
) -> None:
    (program.folder / "requirements.txt").write_text("greeting==2.0\n")
    done = program.pulumi("install", "--no-plugins", **packages)
    assert done.code != 0
    assert "No matching distribution found for greeting==2.0" in done.text
    assert (
        f"installing dependencies via '{fresh}/bin/python -m pip install -r requirements.txt': exit status 1"
        in done.text
    )
    assert "Traceback" not in done.text


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
