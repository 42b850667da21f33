"""A policy pack checks the components, and a merge request's review names the policy that is violated."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.ci_templates import render
from tests.support.gitlab_double import GitLabDouble
from tests.support.project import ROOT, Project, Run

PACK = """\
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def check(args, report):
    if args.resource_type == "gitlab-deploy:index:RegistryAccess" and not args.props.get("expires"):
        report("set gitlab-deploy:registry.expires, so that the deploy token ends one day")

PolicyPack(
    name="company",
    policies=[
        ResourceValidationPolicy(
            name="deploy-tokens-expire",
            description="A deploy token has a last day",
            enforcement_level=EnforcementLevel.{level},
            validate=check,
        )
    ],
)
"""


@pytest.fixture
def project(tmp_path: Path, engine: dict[str, str], gitlab_double: GitLabDouble) -> Project:
    """A stack of a deploy token that never expires, and a policy pack in its folder `pack`."""
    folder, state = tmp_path / "project", tmp_path / "state"
    (folder / "pack").mkdir(parents=True)
    state.mkdir()
    environment = engine | {"PULUMI_BACKEND_URL": state.as_uri(), "GITLAB_TOKEN": gitlab_double.token}
    made = Project(folder, environment, stack="prod")
    made.init()
    registry = {"server": "registry.example.com", "rotation": "1"}
    made.configure({"gitlabUrl": gitlab_double.url, "gitlabProject": "group/blog", "registry": registry})
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (folder / "pack" / "PulumiPolicy.yaml").write_text(yaml.safe_dump({"runtime": runtime}))
    return made


def review(project: Project, level: str) -> Run:
    """The review of a preview as the template's job makes it, with a pack of this enforcement level."""
    (project.folder / "pack" / "__main__.py").write_text(PACK.replace("{level}", level))
    job = render("preview", stacks="prod", policy_packs="pack")["preview"]
    script = "\n".join(job["script"])
    return project.run(
        "bash",
        "-euc",
        # The pack's packages are those of the tests.
        script.replace("pulumi install", "true"),
        # As before_script leaves it.
        GITLAB_DEPLOY_FILES=str(project.folder),
        gitlab_deploy_temporary=str(project.folder),
        PULUMI_DEBUG_COMMANDS="true",
        PYTHONPATH=str(ROOT),
    )


def test_a_mandatory_policy_that_is_violated_is_named_in_the_review(project: Project) -> None:
    run = review(project, "MANDATORY")
    assert run.code == 1, run.text
    assert "deploy-tokens-expire: " in run.stdout
    assert "so that the deploy token ends one day" in run.stdout
    findings = json.loads((project.folder / "gl-code-quality.json").read_text())
    (finding,) = [item for item in findings if item["check_name"] == "policy-deploy-tokens-expire"]
    assert finding["severity"] == "critical"
    lines = (project.folder / "Pulumi.prod.yaml").read_text().splitlines()
    assert lines[finding["location"]["lines"]["begin"] - 1] == "  gitlab-deploy:registry:"
    assert json.loads((project.folder / "tfplan.json").read_text()) == {"error": "the preview of prod failed"}


def test_an_update_that_a_policy_stops_ends_with_the_policy_and_no_traceback(project: Project) -> None:
    (project.folder / "pack" / "__main__.py").write_text(PACK.replace("{level}", "MANDATORY"))
    for _ in range(3):
        up = project.pulumi("up", "--yes", "--skip-preview", "--policy-pack", "pack")
        assert up.code != 0
        assert "deploy-tokens-expire" in up.text
        assert "Traceback" not in up.text
        assert "KeyboardInterrupt" not in up.text


def test_an_advisory_policy_that_is_violated_is_named_and_fails_nothing(project: Project) -> None:
    run = review(project, "ADVISORY")
    assert run.code == 0, run.text
    assert "deploy-tokens-expire: " in run.stdout
    assert json.loads((project.folder / "tfplan.json").read_text())["create"] == 3
