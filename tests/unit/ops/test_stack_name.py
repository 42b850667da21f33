"""Names of stacks."""

import pytest

from ops.__main__ import main
from ops.ops_error import OpsError
from ops.stack_name import StackName


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("prod", "Pulumi.prod.yaml"),
        ("Prod.EU_1", "Pulumi.Prod.EU_1.yaml"),
        ("acme/prod", "Pulumi.prod.yaml"),
        ("acme/blog/prod", "Pulumi.prod.yaml"),
    ],
)
def test_a_name_that_pulumi_takes_has_a_stack_file(text: str, file: str) -> None:
    name = StackName.parse(text)
    assert (str(name), name.file) == (text, file)


HOSTILE = ["", "/", "a/", "/a", "a//b", "a/b/c/d", "a b", "a\n", "a;b", "$(id)", "a --> b", "é", "\x1b[0m", "x" * 101]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_other_name_is_refused(text: str) -> None:
    with pytest.raises(OpsError, match="is not the name of a stack"):
        StackName.parse(text)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "arguments",
    [["drift"], ["lock", "--stack"], ["render", "--output", "x", "--stack"], ["sweep", "--prefix"]],
    ids=lambda arguments: str(arguments[0]),
)
def test_every_command_refuses_a_hostile_name_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    monkeypatch.setattr("sys.argv", ["ops", *arguments, text])
    assert main() == 2
    error = capsys.readouterr().err
    assert error.startswith("error: '")
    assert error.count("\n") == 1
    assert error.rstrip("\n").isprintable()
