"""What an editor says of a stack file is what the program says of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.editor import Editor
from tests.support.project import ROOT, STACKS
from tests.support.stack_files import read

PROD, ACCESS = ((STACKS / f"Pulumi.{stack}.yaml").read_text() for stack in ("prod", "prod-access"))


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Editor, Path]]:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "schema", folder / "schema")
    with Editor(folder) as started:
        yield started, folder


def line_of(text: str, path: str) -> int:
    """The line of the key, or of the nearest block above it that is there."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), 0
    for name in ("config", *path.partition("[")[0].split(".")):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = [(key, value) for key, value in pairs if key.value == name]
        if not found:
            return line
        node, line = found[0][1], found[0][0].start_mark.line + 1
    return line


def test_the_committed_stack_files_have_nothing_to_say_of(editor: tuple[Editor, Path]) -> None:
    started, folder = editor
    for file in (ROOT / "Pulumi.sandbox.yaml", *STACKS.glob("Pulumi.*.yaml")):
        shutil.copy(file, folder / file.name)
        assert started.diagnostics(folder / file.name) == []


@pytest.mark.parametrize(
    ("good", "broken"),
    [
        ("    port: 8080\n", "    port: 80800\n"),
        ("    port: 8080\n", "    prot: 8080\n"),
        ("    replicas: 2\n", '    replicas: "2"\n'),
        ("    memory: 256Mi\n", "    memory: 256\n"),
        ("    memory: 256Mi\n", "    memory: 256M\n"),
        ("    memory: 256Mi\n", "    memory: 256Mi\n    secrets: {DB_PASSWORD: hunter2}\n"),
        ("    memory: 256Mi\n", "    memory: {secure: v1:abc}\n"),
        ("    host: blog.example.org\n", ""),
        ("    namespace: example\n", "    namespace: kube-system\n"),
        ("    preview: true", "    preview: false"),
        ("    previewProject: group/gitlab-deploy", "    previewEnvironment: staging/*"),
        ("  gitlab-deploy:cluster: production\n", ""),
        ("  gitlab-deploy:gitlabProject: group/blog\n", "  gitlab-deploy:gitlabProject: blog\n"),
        ("    health: {path: /healthz}\n", "    health: {path: /healthz, command: [check]}\n"),
        ("    hostKey: ssh-ed25519 AAAA", "    hostKey: docker.example.com ssh-ed25519 AAAA"),
    ],
)
def test_an_editor_reports_what_the_program_reports(
    editor: tuple[Editor, Path], tmp_path: Path, good: str, broken: str
) -> None:
    started, folder = editor
    text = next(text.replace(good, broken) for text in (PROD, ACCESS) if good in text)
    file = folder / f"Pulumi.{tmp_path.name}.yaml"
    file.write_text(text)
    _, problems = read(yaml.safe_load(text)["config"], tmp_path)
    said = started.diagnostics(file)
    assert problems
    assert {line for line, _ in said} == {line_of(text, problem.path) for problem in problems}, (said, problems)
    # In the same words, unless it is of the wrong type or missing, for which the server has its own.
    for problem in problems:
        own = ("is not a known key", "is of the wrong type", "is missing", "is encrypted", "is out of range")
        if not problem.cause.startswith(own):
            assert any(problem.cause in message for _, message in said), (said, str(problem))
