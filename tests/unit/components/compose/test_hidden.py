"""What no message may show of a compose project."""

import base64

from components.compose.hidden import hidden
from tests.support.compose_files import read, service

FILES = """\
env_file: [app.env]
environment: {PLAIN: of-the-file, MADE: 'user:${KEY}'}
secrets: [password, inline, binary]"""
SECRETS = """\
secrets:
  password: {file: ./password.txt}
  inline: {environment: KEY}
  binary: {file: ./key.bin}"""


def test_what_files_of_passwords_give_to_any_service_is_hidden() -> None:
    files: dict[str, str | bytes] = {
        "app.env": "PASSWORD=of-env-file\nDERIVED=${KEY}-more\n",
        "password.txt": "of-secrets",
        "key.bin": b"\xff\x00",
    }
    binary = base64.b64encode(b"\xff\x00").decode()
    project = read(service(FILES, rest=SECRETS), files=files, secrets=["KEY"])
    assert set(hidden(project, {"KEY": "encrypted"})) == {
        *("encrypted", "of-env-file", "encrypted-more", "of-the-file", "user:encrypted", "of-secrets", binary)
    }


def test_a_plain_environment_and_a_config_are_shown() -> None:
    body = "environment: {LEVEL: debugging}\nconfigs: [plain]"
    project = read(service(body, rest="configs:\n  plain: {content: of-a-config}"))
    assert hidden(project, {}) == ()
