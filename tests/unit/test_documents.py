"""README and docs/: every command is run by a test, and every link leads somewhere."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.documents import DOCUMENTS, PLAYED, Block, blocks
from tests.support.project import ROOT, STACKS

LANGUAGES = {"bash", "yaml", "json", "text"}
COVERED = {
    **dict.fromkeys(
        (
            ("README.md", "pulumi install"),
            ("README.md", "export PULUMI_BACKEND_URL=file://. PULUMI_CONFIG_PASSPHRASE=look"),
            ("README.md", "export GITLAB_DEPLOY_OFFLINE=1 GITLAB_EARLY_AUTH_CHECK=false GITLAB_TOKEN=none"),
            ("README.md", "pulumi stack init prod"),
            ("README.md", "pulumi preview --stack prod --diff"),
            ("README.md", "pulumi stack rm --yes --preserve-config prod"),
        ),
        "tests/engine/test_look.py::test_five_minutes_without_root_show_what_the_example_would_create",
    ),
    **dict.fromkeys(
        (
            ("gitlab.md", "git clone --quiet --branch v1.0.0"),
            ("gitlab.md", "sed 's/^runtime:/main: .program"),
            ("gitlab.md", "pulumi install"),
            ("gitlab.md", "pulumi preview --stack prod"),
        ),
        "tests/engine/test_own_stacks.py::test_stack_files_alone_have_the_plan_that_they_have_in_a_clone",
    ),
    ("operations.md", ".venv/bin/python -m ops shell prod"): (
        "tests/sandbox/stack/test_glance.py::test_a_shell_acts_on_the_namespace_and_the_docker_host"
    ),
    ("CONTRIBUTING.md", "make check"): ".ci/gitlab-ci.yml",
    ("README.md", "make test"): ".ci/run",
    ("gitlab.md", "glab api --method PUT projects/group%2Fgitlab-deploy --field ci_config_path"): (
        "tests/unit/sandbox/gitlab/test_projects.py::"
        "test_the_call_in_the_documentation_has_the_jobs_defined_in_another_project"
    ),
}
"""Document and start of a line that no page's player types -> the test or the file of CI that runs it."""
PAGES = [*DOCUMENTS, *sorted((ROOT / "examples").glob("*/README.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


def is_played(document: Path, block: Block) -> bool:
    return document.name in PLAYED and block.section not in PLAYED[document.name].optional


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_a_fenced_block_says_what_it_is(document: Path) -> None:
    assert [block.text for block in blocks(document) if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_every_command_of_the_documents_is_run_by_a_test(document: Path) -> None:
    for block in blocks(document):
        if block.language != "bash":
            continue
        for line in block.text.replace("\\\n", "").splitlines():
            skipped = document.name in PLAYED and line.startswith(PLAYED[document.name].elsewhere)
            if line.strip() and (skipped or not is_played(document, block)):
                covered = [
                    test
                    for (name, start), test in COVERED.items()
                    if (name, True) == (document.name, line.startswith(start))
                ]
                assert covered, f"{document.name}: no test runs {line!r}"


@pytest.mark.parametrize("where", [*COVERED.values(), *(page.test for page in PLAYED.values())])
def test_every_test_that_is_named_for_a_command_exists(where: str) -> None:
    file, _, test = where.partition("::")
    text = (ROOT / file).read_text()
    assert not test or f"def {test}(" in text


@pytest.mark.parametrize("where", [key for key, test in COVERED.items() if "::" not in test])
def test_what_continuous_integration_runs_is_in_its_file(where: tuple[str, str]) -> None:
    assert where[1] in (ROOT / COVERED[where]).read_text()


@pytest.mark.parametrize("stack", ["prod", "prod-access"])
def test_the_stack_files_of_the_page_are_the_examples(stack: str) -> None:
    (shown,) = [block.text for block in blocks(ROOT / "docs" / "gitlab.md") if block.file == f"Pulumi.{stack}.yaml"]
    example = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())
    # The page sets the image by a command.
    example["config"].pop("gitlab-deploy:image", None)
    assert yaml.safe_load(shown) == example


def anchors(page: Path) -> set[str]:
    """As GitLab and GitHub make them of headings."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())
    titles = (re.sub(r"`|\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"(?m)^#+ (.+)$", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_to_a_file_or_heading_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(re.sub(r"(?ms)^```.*?^```$", "", page.read_text())):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []
