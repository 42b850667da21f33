"""A project that is set up by the table in docs/gitlab.md gives each job the variables it needs, and no others."""

import pytest

from tests.support import ci_templates, variable_table

STATE = {"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
DEPLOYS = {"KUBECONFIG", "KUBE_TOKEN", "SSH_KEY", *STATE}
NEEDED = {
    "deploy": DEPLOYS,
    "drift": {*DEPLOYS, "GITLAB_REVIEW_TOKEN", "GITLAB_TOKEN"},
    "review": DEPLOYS,
    "preview": {"KUBECONFIG", "KUBE_TOKEN", *STATE},
    "note": {"GITLAB_REVIEW_TOKEN"},
}
"""What the jobs of a component need, and apart from the others, the one that writes notes."""
OF_BRANCHES = ("preview", "note", "review")
"""Those whose jobs run for a merge request, and so on a branch that is not protected."""


def environments(component: str) -> set[str]:
    jobs = ci_templates.render("preview" if component == "note" else component)
    return {
        job["environment"]["name"].replace("$CI_MERGE_REQUEST_IID", "12")
        for name, job in jobs.items()
        if name.endswith("-note") == (component == "note")
    }


@pytest.mark.parametrize("component", NEEDED)
def test_each_job_gets_every_variable_it_needs_once(component: str) -> None:
    for environment in environments(component):
        for name in NEEDED[component]:
            found = [row for row in variable_table.rows(name) if row.reaches(environment)]
            assert len(found) == 1, f"{name} in {environment}: {found}"
            assert found[0].protected == (component not in OF_BRANCHES and name != "PULUMI_BACKEND_URL"), found


@pytest.mark.parametrize("component", OF_BRANCHES)
def test_a_job_of_a_branch_gets_no_other_secret(component: str) -> None:
    for environment in environments(component):
        found = {row.name for row in variable_table.rows() if row.reaches(environment) and row.name != "SITE_CA_FILE"}
        assert found == NEEDED[component]


def test_no_secret_has_a_scope_of_every_job() -> None:
    assert {row.name for row in variable_table.rows() if row.scope == "*"} == {"SITE_CA_FILE"}


def test_every_secret_of_one_line_is_masked() -> None:
    assert {row.name for row in variable_table.rows() if not row.masked} == {
        "PULUMI_BACKEND_URL",
        "SITE_CA_FILE",
        "SSH_KEY",
    }
