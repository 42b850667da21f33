"""What a job that previews or deploys can decrypt is a stack that holds no deploy credential."""

import re

import yaml

from components.settings import settings
from tests.support import variable_table
from tests.support.documents import blocks
from tests.support.project import ROOT, STACKS
from tests.support.stack_files import engine_form

GITLAB = (ROOT / "docs" / "gitlab.md").read_text()


def read(stack: str) -> settings.Settings:
    found, problems = settings.parse(
        *engine_form(yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"])
    )
    assert found, problems
    return found


def test_the_stack_that_jobs_deploy_keeps_no_deploy_credential() -> None:
    jobs, maintainers = read("prod"), read("prod-access")
    assert jobs.in_gitlab == {"group/blog": {"deploy tokens"}}
    assert maintainers.in_gitlab == {"group/blog": {"variables"}, "group/gitlab-deploy": {"variables"}}
    # They are halves of one: the same cluster, and the namespace of the other.
    assert jobs.kubernetes
    assert maintainers.access
    assert jobs.kubernetes.namespace == maintainers.access.namespace
    assert jobs.scalars.cluster == maintainers.scalars.cluster


def test_no_pipeline_names_the_stack_with_the_credential() -> None:
    files = [
        *ROOT.glob("*.yml"),
        ROOT / ".gitlab-ci.yml",
        *ROOT.glob("templates/*.yml"),
        *ROOT.glob("examples/**/*.yml"),
    ]
    assert not [file for file in files if "prod-access" in file.read_text()]


def test_the_documented_set_up_gives_each_stack_a_state_and_a_passphrase_of_its_own() -> None:
    commands = [block.text for block in blocks("docs/gitlab.md") if "pulumi stack init" in block.text]
    access, jobs = commands
    states = [re.findall(r"pulumi login (\S+)", one)[0] for one in commands]
    assert len(set(states)) == 2
    for stack, one in (("prod-access", access), ("prod", jobs)):
        assert one.index("read -rs PULUMI_CONFIG_PASSPHRASE") < one.index(f"pulumi stack init {stack}\n")
        assert f"pulumi up --yes --stack {stack}\n" in one
    rows = variable_table.rows("PULUMI_BACKEND_URL")
    assert rows
    # The only bucket that a variable names is that of the jobs.
    named = re.findall(r"\| `PULUMI_BACKEND_URL`, such as `(\S+)` \|", GITLAB)
    assert named == [states[1]]
