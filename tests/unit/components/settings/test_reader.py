"""What is said of secrets that stand in a form that none may have, and that its remedies lead somewhere."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack_files import EVERY, Place, places, read

SECURE = {"secure": "hunter2canary"}
OF_SECRETS = [place for place in places() if place.key.kind == "map" and place.key.secrecy != "never"]
NAMES = {
    "gitlab-deploy:app.secrets": "app.secrets.NAME",
    "gitlab-deploy:kubernetes.secrets": 'kubernetes.secrets["SECRET/KEY"]',
    "gitlab-deploy:kubernetes.files": 'kubernetes.files["/PATH"]',
    "gitlab-deploy:dockerHost.files": 'dockerHost.files["/PATH"]',
}


def commands(problem: object) -> list[list[str]]:
    return [shlex.split(command) for command in re.findall(r"'(pulumi config .+?)'(?=$|,)", str(problem))]


@pytest.mark.parametrize("place", OF_SECRETS, ids=lambda place: place.path)
def test_secrets_encrypted_as_a_whole_are_to_be_encrypted_each_by_itself(place: Place, tmp_path: Path) -> None:
    [problem] = read(place.put(SECURE), tmp_path)[1]
    assert str(problem).startswith(
        f"{place.path} is encrypted as a whole; take it out, and encrypt each value by itself"
    )
    [command] = commands(problem)
    assert command[2:] == ["set", "--secret", "--path", f"gitlab-deploy:{NAMES[place.path]}"]


@pytest.mark.parametrize("value", ["DB_PASSWORD=hunter2canary", ["hunter2canary"], 7, True])
@pytest.mark.parametrize("place", [place for place in OF_SECRETS if place.key.secrecy == "must"], ids=lambda p: p.path)
def test_secrets_that_are_no_mapping_are_to_be_set_each_by_its_name(place: Place, value: Any, tmp_path: Path) -> None:
    [problem] = read(place.put(value), tmp_path)[1]
    assert problem.cause == "is of the wrong type"
    assert problem.remedy.startswith("take it out, revoke what is a secret in it, and set each")
    [command] = commands(problem)
    assert command[2:] == ["set", "--secret", "--path", f"gitlab-deploy:{NAMES[place.path]}"]


def test_a_secret_in_plain_text_under_a_name_that_is_none_is_to_be_set_by_another(tmp_path: Path) -> None:
    [place] = [place for place in OF_SECRETS if place.path == "gitlab-deploy:app.secrets"]
    of_name, in_clear = read(place.put({"A=hunter2canary": "x"}), tmp_path)[1]
    assert str(of_name).startswith("gitlab-deploy:app.secrets: 'A=...' is not the name of an environment variable")
    assert str(in_clear).startswith("gitlab-deploy:app.secrets.NAME is in plain text; revoke that secret")


def test_a_secret_where_none_may_be_belongs_where_a_stack_of_manifests_has_some_too(tmp_path: Path) -> None:
    stack = {key: value for key, value in EVERY.items() if key.partition(":")[2] not in {"app", "dockerHost"}}
    stack["gitlab-deploy:kubernetes"] = {"manifests": ["deployment.yml"], "pullSecret": SECURE}
    del stack["gitlab-deploy:registry"]
    [problem] = read(stack, tmp_path)[1]
    assert problem.remedy.endswith("put a secret into app.secrets, with kubernetes.manifests into kubernetes.secrets")
