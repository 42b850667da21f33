"""The fenced blocks of README.md and docs/: commands and files that a reader types, and who runs them."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.support.project import ROOT, Run, run

_FENCE = re.compile(r"(?ms)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$")
_HEADING = re.compile(r"(?m)^#{1,6} (.+)$")
_LINE_END = re.compile(r"(?<!\\)\n")
_FILE = re.compile(r"# (?P<name>[\w./-]+)\n")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md")))


@dataclass(frozen=True, kw_only=True)
class Page:
    """Who runs the commands of a document: tests as FILE::NAME, or a file of CI."""

    test: str = ""
    """Types all but the following, in order."""
    sections: Mapping[str, str] = field(default_factory=dict)
    """Those that something else runs, by their titles."""
    lines: Mapping[str, str] = field(default_factory=dict)
    """Commands within the other sections that something else runs."""

    def runner(self, section: str, command: str) -> str:
        """What runs a command; empty if nothing does."""
        return self.lines.get(command) or self.sections.get(section, self.test)


RUN = {
    "README.md": Page(
        test="tests/sandbox/stack/test_readme.py::test_the_commands_of_the_readme_do_what_it_says",
        sections={
            "Without root, Linux or Go: five minutes": (
                "tests/engine/test_look.py::test_five_minutes_without_root_show_what_the_example_would_create"
            )
        },
        lines={"make test": ".ci/run"},
    ),
    "CONTRIBUTING.md": Page(sections={"Set up": ".ci/gitlab-ci.yml"}),
    "docs/gitlab.md": Page(
        test="tests/sandbox/stack/test_documents.py::test_the_page_leads_from_an_empty_gitlab_to_a_green_deploy",
        sections={
            "Stricter still": (
                "tests/unit/sandbox/gitlab/test_projects.py::"
                "test_the_call_in_the_documentation_has_the_jobs_defined_in_another_project"
            ),
            "Stack files alone": (
                "tests/engine/test_own_stacks.py::test_stack_files_alone_have_the_plan_that_they_have_in_a_clone"
            ),
        },
    ),
    "docs/operations.md": Page(
        test="tests/sandbox/stack/test_documents.py::test_the_work_of_a_year_is_what_the_page_says",
        sections={
            "A shell on a stack": (
                "tests/sandbox/stack/test_glance.py::test_a_shell_acts_on_the_namespace_and_the_docker_host"
            )
        },
    ),
}
"""By the document's path. tests/conftest.py fails a test that is named here and has not run its commands."""
TYPED: list["Command"] = []
"""What the running test has typed of the documents."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A line of a block that is to be run, with those that continue it."""

    document: str
    section: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block. Its language is `bash` if it is to be run."""

    document: str
    """Path of the document."""
    language: str
    text: str
    section: str
    """The nearest heading above."""

    @property
    def file(self) -> str | None:
        """The file whose content it is, which its first line names."""
        found = _FILE.match(self.text)
        return found["name"] if found and self.language != "bash" else None

    @property
    def commands(self) -> list[Command]:
        """Its lines without their comments, if they are to be run."""
        if self.language != "bash":
            return []
        lines = map(_command, _LINE_END.split(self.text))
        return [Command(document=self.document, section=self.section, text=line) for line in lines if line]

    @property
    def typed(self) -> str:
        """Its text without the single commands that something else runs."""
        others = RUN.get(self.document, Page()).lines
        return "".join(f"{line}\n" for line in _LINE_END.split(self.text) if _command(line) not in others)


def _command(line: str) -> str:
    """A line as it counts: without a comment, however long."""
    return " ".join(re.sub(r"(?:^|\s+)# .*$", "", line.replace("\\\n", "")).split())


def blocks(document: str) -> list[Block]:
    """All of a document, in order."""
    text = (ROOT / document).read_text()
    found = []
    for fence in _FENCE.finditer(text):
        headings = _HEADING.findall(_FENCE.sub("", text[: fence.start()]))
        body = re.sub(rf"(?m)^{fence['indent']}", "", fence["text"])
        section = headings[-1] if headings else ""
        found.append(Block(document=document, language=fence["language"], text=body, section=section))
    return found


@cache
def commands() -> tuple[Command, ...]:
    """Every command of the documents."""
    return tuple(command for document in DOCUMENTS for block in blocks(document) for command in block.commands)


def runner(command: Command) -> str:
    """The test that runs a command, or the file of CI; empty if there is none."""
    return RUN.get(command.document, Page()).runner(command.section, command.text)


def untyped(test: str) -> list[str]:
    """The commands that the documents have from this test, and that it has not typed."""
    return [command.text for command in commands() if runner(command) == test and command not in TYPED]


def substituted(text: str, table: Mapping[str, str]) -> str:
    """A block with what is the reader's own, such as addresses, in place of the document's."""
    for pattern, replacement in table.items():
        text = re.sub(pattern, lambda _, to=replacement: to, text)  # type: ignore[misc]
    return text


@dataclass(kw_only=True)
class Terminal:
    """A shell that a reader types blocks into: its folder, variables and functions stay from one to the next."""

    folder: Path
    environment: Mapping[str, str]
    kept: Path
    """A file for what stays."""
    log: list[Run] = field(default_factory=list)

    def play(self, block: Block, table: Mapping[str, str], *, answers: str = "") -> Run:
        """Types a block, as `substituted` has it."""
        done = self.type(substituted(block.typed, table), answers=answers)
        TYPED.extend(command for command in block.commands if command.text not in RUN[block.document].lines)
        return done

    def type(self, text: str, *, answers: str = "") -> Run:
        """Runs a block; `answers` is what its `read` gets. AssertionError, with the output, if a command fails."""
        restored = f'. "{self.kept}"' if self.kept.exists() else ":"
        keep = f'{{ declare -px; declare -f; printf "cd %q\\n" "$PWD"; }} >"{self.kept}"'
        script = f"set -eo pipefail\n{restored}\n{text}\n{keep}\n"
        done = run("bash", "-c", script, cwd=self.folder, env=self.environment, stdin=answers)
        self.log.append(done)
        assert done.code == 0, f"{text}\n{done.text}"
        return done

    def write(self, block: Block, text: str) -> None:
        """Writes a block to the file that it names, in the folder where the shell is."""
        assert block.file
        here = subprocess.run(
            ["bash", "-c", f'. "{self.kept}"; pwd'], cwd=self.folder, capture_output=True, text=True, check=True
        )
        (Path(here.stdout.strip()) / block.file).write_text(text)
