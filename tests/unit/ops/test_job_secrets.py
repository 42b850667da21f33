"""Which secrets a job has."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import job_secrets

pytestmark = pytest.mark.usefixtures("no_garbage_collection")

CANARY = "Canary5uVw9Qz7Lm"
KUBECONFIG = {"apiVersion": "v1", "kind": "Config", "users": [{"name": "u", "user": {"token": CANARY}}]}


@pytest.mark.parametrize(
    "name",
    [
        "KUBE_TOKEN",
        "GITLAB_TOKEN",
        "CI_JOB_TOKEN",
        "DEPLOY_ID_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_ACCESS_TOKEN",
        "CI_REGISTRY_PASSWORD",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_STORAGE_KEY",
        "ARM_CLIENT_SECRET",
        "GOOGLE_CREDENTIALS",
        "KUBECONFIG",
        "SSH_KEY",
        "SSH_PRIVATE_KEY_ED25519",
        "DB_PWD",
        "SMTP_PW",
        "PGPASSWORD",
        "REDISCLI_AUTH",
        "MYSQL_PWD",
        "DB_PASS",
        "db_password",
    ],
)
def test_a_variable_of_a_telling_name_holds_a_secret(name: str) -> None:
    assert CANARY in job_secrets.read({name: CANARY})


def test_other_variables_hold_none() -> None:
    environment = {
        "AWS_REGION": "eu-central-1",
        "PWD": "/builds/group/blog",
        "OLDPWD": "/builds/group",
        "SSH_AUTH_SOCK": "/tmp/ssh-1/agent.1",
        "CI_PROJECT_PATH": "group/tokens",
        "CI_SERVER_URL": "https://gitlab.example.com",
    }
    assert job_secrets.read(environment) == frozenset()


def test_the_login_in_an_address_is_a_secret_whatever_the_variable_is_called() -> None:
    login = "app:hunter2%21x"
    assert job_secrets.read({"DATABASE_URL": f"postgres://{login}@db/app"}) == {"hunter2%21x", "hunter2!x"}
    assert job_secrets.read({"DATABASE_URL": "http://[broken"}) == frozenset()


def test_a_variable_that_names_a_file_stands_for_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(f"{CANARY}\n")
    assert job_secrets.read({"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}) == {CANARY}


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x" * (job_secrets.LARGEST_FILE + 1))
    assert job_secrets.read({"SOME_TOKEN": str(file)}) == frozenset()


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("DOCKER_AUTH_CONFIG", {"auths": {"r.example.com": {"username": "ci", "password": CANARY}}}),
        ("KUBECONFIG", KUBECONFIG),
    ],
)
def test_the_credentials_within_a_document_are_secrets_one_by_one(
    tmp_path: Path, name: str, document: dict[str, Any], write: Callable[[Any], str]
) -> None:
    file = tmp_path / "file"
    file.write_text(write(document))
    for value in (file.read_text(), str(file)):
        assert CANARY in job_secrets.read({name: value})


@pytest.mark.parametrize("value", ["&a [*a]", "&a {b: *a}", "[" * 1000, "a: 2026-99-99", "{[a]: b}", "\x00"])
def test_a_value_that_is_hostile_yaml_is_a_secret_as_a_whole(value: str) -> None:
    assert value.strip() in job_secrets.read({"SOME_TOKEN": value})
