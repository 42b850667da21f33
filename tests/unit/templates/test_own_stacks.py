"""A project that has stack files alone: the program comes with a tag, and the files are the project's own."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support import ci_templates

PULUMI = """\
#!/bin/bash
set -e
[ -e Pulumi.yaml ] || { echo "no Pulumi.yaml" >&2; exit 1; }
case "$*" in
  "config set gitlab-deploy:image -- "*) echo "image: ${!#}" >>Pulumi.prod.yaml ;;
  up*) cp Pulumi.prod.yaml "$DEPLOYED" ;;
esac
"""
IMAGE = "registry.example.com/group/blog:1"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Developer", "-c", "user.email=developer@example.org")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def project(server: Path, path: str, files: dict[str, str]) -> Path:
    """A project of a GitLab whose repositories are folders; its clone, on the branch main."""
    bare, clone = server / f"{path}.git", server / "clones" / path
    clone.mkdir(parents=True)
    git(server, "init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    git(clone, "init", "--quiet", "--initial-branch", "main")
    for name, text in files.items():
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).write_text(text)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "First")
    git(clone, "push", "--quiet", str(bare), "HEAD:main")
    return clone


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    """The clone of a project with stack files, beside the program's, which has a tag and a stack file of its own."""
    program = project(
        tmp_path,
        "group/gitlab-deploy",
        {"Pulumi.yaml": "name: x\n", "Pulumi.prod.yaml": "of: program\n", "ops/job.sh": ":\n"},
    )
    git(program, "push", "--quiet", str(tmp_path / "group/gitlab-deploy.git"), "HEAD:refs/tags/v1.0.0")
    (program / "Pulumi.yaml").write_text("broken by a later commit")
    git(program, "commit", "--quiet", "--all", "--message", "Later")
    (tmp_path / "bin").mkdir()
    for name, text in {"pulumi": PULUMI, "python": "#!/bin/sh\n"}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return project(tmp_path, "group/deploy", {"Pulumi.prod.yaml": "of: stacks\n"})


def run(clone: Path, tmp_path: Path, *, commit: bool, own_stacks: bool = True) -> str:
    """Runs the job; what `pulumi up` has found in the stack file."""
    inputs = {"program": "group/gitlab-deploy", "program_ref": "v1.0.0", "own_stacks": own_stacks, "commit": commit}
    (job,) = ci_templates.render("deploy", **inputs).values()
    deployed = tmp_path / "deployed"
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "CI_SERVER_URL": f"file://{tmp_path}",
        "CI_PROJECT_PATH": "group/deploy",
        "CI_COMMIT_BRANCH": "main",
        "CI_JOB_TOKEN": "glcbt-x",
        "GITLAB_USER_NAME": "User",
        "GITLAB_USER_EMAIL": "user@example.org",
        "PULUMI_BACKEND_URL": "s3://state",
        "IMAGE": IMAGE,
        "DEPLOYED": str(deployed),
    }
    command = ["bash", "-eo", "pipefail", "-c", ci_templates.script(job)]
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return deployed.read_text()


def test_a_job_deploys_the_stack_files_of_its_project_with_the_program_of_a_tag(deploy: Path, tmp_path: Path) -> None:
    assert run(deploy, tmp_path, commit=False) == f"of: stacks\nimage: {IMAGE}\n"
    assert run(deploy, tmp_path, commit=False, own_stacks=False) == f"of: program\nimage: {IMAGE}\n"


def test_the_image_is_committed_to_the_project_of_the_stack_files(deploy: Path, tmp_path: Path) -> None:
    run(deploy, tmp_path, commit=True)
    bare = tmp_path / "group" / "deploy.git"
    assert git(bare, "show", "main:Pulumi.prod.yaml") == f"of: stacks\nimage: {IMAGE}"
    assert git(bare, "ls-tree", "--name-only", "main") == "Pulumi.prod.yaml"
    assert git(tmp_path / "group" / "gitlab-deploy.git", "show", "main:Pulumi.prod.yaml") == "of: program"
