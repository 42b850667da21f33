"""README and docs/: every command is run by a test, and every link leads somewhere."""

import argparse
import ast
import importlib
import re
from pathlib import Path

import pytest
import yaml

from ops.__main__ import COMMANDS
from tests.support.documents import DOCUMENTS, RUN, blocks, commands, runner, untyped
from tests.support.project import ROOT, STACKS

LANGUAGES = {"bash", "yaml", "json", "text"}
PAGES = [*DOCUMENTS, *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("examples/*/README.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# The first word of what a reader types. In a block of another language nobody would run it.
TYPED = re.compile(
    r"(?m)^[ \t>]*(?:[$#%] +)?(?:sudo +)?(?:\S*/)?"
    r"(?:pulumi|kubectl|docker|glab|git|make|python3?|pip|uv|helm|ssh|curl|apt(?:-get)?|export|cd) +[\w./-]"
)
NAMED = sorted({runner(command) for command in commands()} - {""})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_fenced_block_says_what_it_is(document: str) -> None:
    found = blocks(document)
    assert [block.text for block in found if block.language not in LANGUAGES] == []
    # Whatever else a renderer takes for a fence.
    fences = re.findall(r"(?m)^[ \t>]*(?:`{3,}|~{3,})", (ROOT / document).read_text())
    assert len(fences) == 2 * len(found)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_are_in_blocks_that_tests_run(document: str) -> None:
    assert [block.text for block in blocks(document) if block.language != "bash" and TYPED.search(block.text)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_the_documents_is_run_by_a_test(document: str) -> None:
    assert [command.text for command in commands() if command.document == document and not runner(command)] == []


@pytest.mark.parametrize("document", sorted(RUN))
def test_each_section_and_line_that_something_else_runs_is_in_the_document(document: str) -> None:
    of = [command for command in commands() if command.document == document]
    assert set(RUN[document].sections) <= {command.section for command in of}
    assert set(RUN[document].lines) <= {command.text for command in of}


@pytest.mark.parametrize("where", [where for where in NAMED if "::" in where])
def test_every_test_that_is_named_for_a_command_exists(where: str) -> None:
    file, _, test = where.partition("::")
    body = ast.parse((ROOT / file).read_text()).body
    assert test in {node.name for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("where", [where for where in NAMED if "::" not in where])
def test_what_continuous_integration_runs_is_in_its_file(where: str) -> None:
    for command in commands():
        if runner(command) == where:
            assert re.search(rf"(?m)^ *(?:- )?{re.escape(command.text)}$", (ROOT / where).read_text())


def test_a_test_that_types_no_command_has_not_run_those_that_it_is_named_for() -> None:
    where = RUN["docs/operations.md"].sections["A shell on a stack"]
    assert untyped(where) == [
        ".venv/bin/python -m ops shell prod",
        ".venv/bin/python -m ops shell prod -- kubectl get pods",
    ]
    assert untyped("tests/unit/test_documents.py::test_a_fenced_block_says_what_it_is") == []


MAKE = re.compile(r"^make (?:-\S+ )*([a-z][a-z -]*)")
OPS = re.compile(r"^(?:\.venv/bin/)?(?:python -m )?ops ([a-z]+)(.*)$")
TARGETS = set(re.findall(r"(?m)^([a-z][\w-]*):", (ROOT / "Makefile").read_text()))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_sentences_are_those_that_there_are(document: str) -> None:
    text = re.sub(r"(?ms)^```.*?^```$", "", (ROOT / document).read_text())
    named = re.findall(r"`([^`\n]+)`", text)
    targets = {target for one in named if (found := MAKE.match(one)) for target in found[1].split()}
    assert targets <= TARGETS
    for command, rest in (found.groups() for one in named if (found := OPS.match(one))):
        assert command in COMMANDS
        parser = argparse.ArgumentParser()
        importlib.import_module(f"ops.commands.{command}").add_arguments(parser)
        options = re.compile(r"(?<=[ \[])--[a-z-]+")
        assert set(options.findall(rest)) <= set(options.findall(parser.format_help()))


def test_the_table_of_operations_has_every_command() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    assert sorted(re.findall(r"(?m)^\| `(\w+)` \| ", text)) == sorted(COMMANDS)


@pytest.mark.parametrize("stack", ["prod", "prod-access"])
def test_the_stack_files_of_the_page_are_the_examples(stack: str) -> None:
    (shown,) = [block.text for block in blocks("docs/gitlab.md") if block.file == f"Pulumi.{stack}.yaml"]
    example = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())
    # The page sets the image by a command.
    example["config"].pop("gitlab-deploy:image", None)
    assert yaml.safe_load(shown) == example


def anchors(page: Path) -> set[str]:
    """As GitLab and GitHub make them of headings."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())
    titles = (re.sub(r"`|\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"(?m)^#+ (.+)$", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_file_or_heading_leads_somewhere(name: str) -> None:
    page, broken = ROOT / name, []
    for target in LINK.findall(re.sub(r"(?ms)^```.*?^```$", "", page.read_text())):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", PAGES)
def test_every_path_of_the_project_that_a_page_names_exists(name: str) -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    named = re.findall(r"`([\w.*-]+/[\w./*-]*)`", (ROOT / name).read_text())
    own = [path for path in named if path.partition("/")[0] in folders and not path.startswith(".")]
    assert [path for path in own if not list(ROOT.glob(path.rstrip("/")))] == []
