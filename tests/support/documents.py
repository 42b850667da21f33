"""The fenced blocks of README.md and docs/: commands and files that a reader types, and tests run."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.project import ROOT, Run, run

_FENCE = re.compile(r"(?ms)^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$")
_HEADING = re.compile(r"(?m)^#{1,6} (.+)$")
_FILE = re.compile(r"# (?P<name>[\w./-]+)\n")
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))


@dataclass(frozen=True, kw_only=True)
class Page:
    """A document whose blocks a test types in order."""

    test: str
    optional: frozenset[str] = frozenset()
    """Sections that the test leaves out."""
    elsewhere: tuple[str, ...] = ()
    """Starts of lines that the test leaves out."""


PLAYED = {
    "README.md": Page(
        test="tests/sandbox/stack/test_readme.py::test_the_commands_of_the_readme_do_what_it_says",
        optional=frozenset({"Without root, Linux or Go: five minutes"}),
        elsewhere=("make test",),
    ),
    "gitlab.md": Page(
        test="tests/sandbox/stack/test_documents.py::test_the_page_leads_from_an_empty_gitlab_to_a_green_deploy",
        optional=frozenset({"Stricter still", "Review apps", "Stack files alone"}),
    ),
    "operations.md": Page(
        test="tests/sandbox/stack/test_documents.py::test_the_work_of_a_year_is_what_the_page_says",
        optional=frozenset({"A shell on a stack"}),
    ),
}
"""By the document's name."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block. Its language is `bash` if it is to be run."""

    language: str
    text: str
    section: str
    """The nearest heading above."""

    @property
    def file(self) -> str | None:
        """The file whose content it is, which its first line names."""
        found = _FILE.match(self.text)
        return found["name"] if found and self.language != "bash" else None


def blocks(document: Path) -> list[Block]:
    """All of a document, in order."""
    text = document.read_text()
    found = []
    for fence in _FENCE.finditer(text):
        headings = _HEADING.findall(_FENCE.sub("", text[: fence.start()]))
        body = re.sub(rf"(?m)^{fence['indent']}", "", fence["text"])
        found.append(Block(language=fence["language"], text=body, section=headings[-1] if headings else ""))
    return found


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
