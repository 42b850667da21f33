"""What a reader of the documents has to know before GitLab stops them, each where they come across it."""

import re

import pytest
import yaml

from tests.support.project import ROOT

SAID = {
    "GitLab.com's Free tier has no project and group tokens": (
        "docs/gitlab.md#Tokens",
        r"GitLab\.com has none in its Free tier, where the personal access token of an account made for this",
    ),
    "tokens expire": ("docs/gitlab.md#Tokens", r"Each token expires, .* a run warns 30 days before"),
    "the oldest release": ("docs/gitlab.md#GitLab: from an empty project", r"You need GitLab 17\.8 or newer"),
    "job tokens list no merge requests in older releases": (
        "docs/gitlab.md#Review apps",
        r"from GitLab 18\.4 on; before, give this job the variable `GITLAB_TOKEN`, .* scope `read_api`",
    ),
    "pipeline variables stop a multi-project pipeline": (
        "docs/gitlab.md#Two ways to deploy",
        r"`ci_pipeline_variables_minimum_override_role` has to be `maintainer` .*by default in namespaces that are new",
    ),
    "a fork cannot pull a private runner image": (
        "docs/gitlab.md#What a merge request can read",
        r"a fork can pull only if the program's project is public; a fork of a private one needs an image of its own",
    ),
    "code quality needs a report of the target branch": (
        "docs/gitlab.md#The components",
        r"GitLab shows one in a merge request only if the target branch has one too",
    ),
    "users of job tokens are members of the program's project": (
        "docs/gitlab.md#Push it",
        r"everybody who pushes to the application's default branch has to be a member of `group/gitlab-deploy`",
    ),
    "inputs that look like another type": (
        "docs/gitlab.md#The components",
        r"a stack called 123 or an environment called on, is written in quotes",
    ),
    "the first deploy job fails": (
        "docs/gitlab.md#2. The application's project",
        r"its job `deploy` ends with \"PULUMI_BACKEND_URL is not set\" until step 4",
    ),
    "review apps need a stack file": (
        "docs/gitlab.md#Review apps",
        r"Once there is a stack file for them, this is added .* `Pulumi\.review\.yaml` .* is the stack file",
    ),
    "how GitLab's own button rolls back": (
        "docs/operations.md#Roll back",
        r"press \*\*Rollback\*\* .* overtaken by a newer pipeline .* is still refused",
    ),
    "the key alone rolls no deploy job back": (
        "docs/operations.md#Roll back",
        r"A deploy job sets the image of its own pipeline, so this key .* alone rolls nothing back, which the job says",
    ),
    "components are no Pulumi package": (
        "docs/decisions/program-as-a-dependency.md#What is not supported",
        r"`pulumi package add` of this repository",
    ),
    "a machine without root": ("README.md#Without root, Linux or Go", r"Pulumi CLI.* and Python 3\.11 are enough"),
}
"""Where it is said, and how."""


def section(place: str) -> str:
    """The text below a heading that starts so, up to the next one, on one line and without addresses of links."""
    document, _, title = place.partition("#")
    text = (ROOT / document).read_text()
    (found,) = re.findall(rf"(?ms)^#+ {re.escape(title)}[^\n]*\n(.*?)(?=^#+ |\Z)", text)
    return " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found).split())


@pytest.mark.parametrize("what", SAID)
def test_what_a_reader_has_to_know_is_said_where_it_matters(what: str) -> None:
    place, words = SAID[what]
    assert re.search(words, section(place)), section(place)


def test_the_readme_begins_with_the_two_commands_and_is_short() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150
    (first, *_) = re.findall(r"(?ms)^```bash\n(.*?)^```", text)
    assert [line.partition("#")[0].strip() for line in first.splitlines()] == ["make up", "make test"]


def test_the_documents_are_those_that_the_readme_names() -> None:
    names = ("gitlab", "operations", "security", "configuration", "kubernetes", "docker-host", "architecture")
    readme = (ROOT / "README.md").read_text()
    for name in names:
        assert (ROOT / "docs" / f"{name}.md").is_file()
        assert f"(docs/{name}.md)" in readme
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= set(re.findall(r"\(docs/([\w-]+)\.md\)", readme))


def test_operations_have_a_section_for_each_work_of_a_year() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    sections = " | ".join(re.findall(r"(?m)^## (.+)$", text)).lower()
    for work in (
        "second developer",
        "second application",
        "staging",
        "rotate",
        "roll back",
        "by hand",
        "passphrase is lost",
        "move the state",
        "upgrade",
        "remove everything",
        "locked",
        "authority of your own",
        "proxy",
    ):
        assert work in sections


def test_the_readme_has_a_picture_of_the_parts_the_image_and_the_note() -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(docs/images/([\w-]+)\.\w+\)", (ROOT / "README.md").read_text())
    assert [name for _, name in shown] == ["parts", "note", "image-way"]


def test_the_pipeline_that_users_have_does_not_test_the_program() -> None:
    """Their own stack files would fail it."""
    jobs = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    assert "check" not in jobs
    assert not [name for name, job in jobs.items() if isinstance(job, dict) and "script" in job]
    assert yaml.safe_load((ROOT / ".ci" / "gitlab-ci.yml").read_text())["check"]["script"] == ["make check"]
