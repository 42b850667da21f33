"""What a user sees whose Python is too old, or lacks a package."""

import ast
import subprocess
import sys

import pytest

from tests.support.project import ROOT


def said(setup: str, path: str = "__main__.py") -> tuple[int, str]:
    """How the program ends after some code, and what it prints."""
    code = f"import runpy, sys; {setup}; runpy.run_path('{path}', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize("path", ["__main__.py", "ops/__main__.py"])
@pytest.mark.parametrize("version", [(3, 8, 20), (3, 10, 13)])
def test_an_older_python_is_one_sentence(version: tuple[int, ...], path: str) -> None:
    code, text = said(f"sys.version_info = {version}", path)
    assert (code, text.count("\n")) == (1, 1), text
    assert text.startswith("gitlab-deploy needs Python 3.11 or newer, and ")
    assert "make .venv with a newer one" in text


def test_a_missing_package_is_one_sentence() -> None:
    code, text = said("from importlib.abc import MetaPathFinder; sys.modules['pulumi_docker'] = None")
    assert (code, text.count("\n")) == (1, 1), text
    assert text.endswith("has no package pulumi_docker, which requirements.txt names; run 'pulumi install'\n")


@pytest.mark.parametrize("name", ["__main__.py", "ops/__main__.py", "components/prerequisites.py"])
def test_an_older_python_can_read_what_comes_before_that_sentence(name: str) -> None:
    assert ast.parse((ROOT / name).read_text(), feature_version=(3, 8)).body
