"""Values that `pulumi config set --secret` has encrypted, through the real engine."""

from pathlib import Path

import pytest

from tests.support.project import Project, leaks
from tests.support.stack_files import HOST_KEY

CANARY = "canary-93bd7c"


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str]) -> Project:
    """A stack of the Docker host alone, at which nothing answers: a preview does without."""
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    made = Project(folder, engine | {"PULUMI_BACKEND_URL": state.as_uri()})
    made.init()
    made.configure(
        {
            "image": "registry.example.com/group/blog:1.0.0",
            # What the engine's YAML and PyYAML read in different ways.
            "app": {"port": 8080, "env": {"A": "yes", "B": "2027-11-30", "C": "0x1f"}, "memory": "256Mi"},
            "dockerHost": {"address": "ssh://deploy@127.0.0.1:9", "hostKey": HOST_KEY, "host": "blog.example.org"},
        }
    )
    file = made.folder / "Pulumi.test.yaml"
    file.write_text(file.read_text().replace("A: 'yes'", "A: yes").replace("B: '2027-11-30'", "B: 2027-11-30"))
    return made


def encrypt(project: Project, path: str) -> None:
    run = project.pulumi("config", "set", "--secret", "--path", f"gitlab-deploy:{path}", CANARY)
    assert run.code == 0, run.text


def test_values_at_their_place_are_marked_all_the_way(project: Project) -> None:
    for path in ("app.secrets.DB_PASSWORD", 'dockerHost.files["/etc/app.conf"]'):
        encrypt(project, path)
    for arguments in (("--diff", "--save-plan", "plan.json"), ("--json",)):
        run = project.pulumi("preview", *arguments)
        assert run.code == 0, run.text
        assert not leaks(CANARY, run.text)
    assert not leaks(CANARY, (project.folder / "plan.json").read_text())
    # Not with --json, which shows no secret at all.
    shown = project.pulumi("preview", "--diff", "--show-secrets").stdout
    assert f"DB_PASSWORD={CANARY}" in shown


@pytest.mark.parametrize("path", ["app.health.command[1]", "app.env.PASSWORD", "dockerHost.identityFile", "image"])
def test_values_elsewhere_are_refused_with_their_path(project: Project, path: str) -> None:
    if path.startswith("app.health"):
        done = project.pulumi("config", "set", "--path", "gitlab-deploy:app.health.command[0]", "check")
        assert done.code == 0, done.text
    encrypt(project, path)
    run = project.pulumi("preview")
    assert run.code != 0
    assert f"gitlab-deploy:{path} is encrypted, and this key is no place for a secret" in run.text
    assert "Traceback" not in run.text
    assert not leaks(CANARY, run.text)


def test_another_stack_file_is_taken_by_the_variable_and_refused_by_the_option(project: Project) -> None:
    encrypt(project, "app.secrets.DB_PASSWORD")
    (project.folder / "Pulumi.test.yaml").rename(project.folder / "other.yaml")
    run = project.pulumi("preview", "--config-file", "other.yaml")
    assert run.code != 0
    assert "gitlab-deploy:app holds an encrypted value, and the stack file that was found does not say" in run.text
    project.environment["PULUMI_OPTION_CONFIG_FILE"] = "other.yaml"
    run = project.pulumi("preview")
    assert run.code == 0, run.text
    assert not leaks(CANARY, run.text)
