"""What every command prints."""

import pytest

from ops.console import report, report_error


def test_text_of_others_cannot_act_on_a_terminal_or_a_job_log(capsys: pytest.CaptureFixture[str]) -> None:
    report("section_start:1:x\r\x1b[0Kred \x1b[31m\u202etxt\ttab\nnext")
    assert capsys.readouterr().out == "section_start:1:x\\r\\u001b[0Kred \\u001b[31m\\u202etxt tab\nnext\n"
    report_error("a\x07b")
    assert capsys.readouterr().err == "error: a\\u0007b\n"


def test_credentials_are_redacted_also_those_of_the_job_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DB_PWD", "Canary5uVw9Qz7Lm")
    report("before Canary5uVw9Qz7Lm after")
    report_error("password: hunter2")
    shown = capsys.readouterr()
    assert shown.out == "before [redacted] after\n"
    assert shown.err == "error: password: [redacted]\n"
