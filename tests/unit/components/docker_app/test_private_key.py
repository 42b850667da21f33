from pathlib import Path

import pytest

from components.docker_app.private_key import private_key_problem

KEY = f"-----BEGIN OPENSSH {'PRIVATE KEY'}-----\nb3BlbnNzaC1rZXktdjE=\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            KEY.replace("\n", "\r\n"),
            "has Windows line ends (CRLF), which ssh does not read; save it",
        ),
        (KEY.rstrip("\n"), "ends without a newline, so ssh does not read it; add one behind its last line"),
        (None, "there is no private key at"),
    ],
)
def test_form_that_ssh_does_not_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, sentence: str
) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_bytes(content.encode())
    monkeypatch.setenv("SSH_KEY", str(key))
    problem = private_key_problem("${SSH_KEY}")
    assert problem
    assert sentence in problem
    assert str(key) in problem
    assert "b3BlbnNzaC1rZXktdjE" not in problem
