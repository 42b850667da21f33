import base64
import hashlib

import pytest

from components.docker_app.ssh_key import algorithms, fingerprint, without_comment
from tests.support.docker_double import HOST_KEY


def test_fingerprint_is_as_ssh_shows_it() -> None:
    digest = hashlib.sha256(base64.b64decode(HOST_KEY.split()[1])).digest()
    shown = f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
    assert fingerprint(HOST_KEY) == fingerprint(f"{HOST_KEY} root@host") == shown


def test_comment_of_a_key_is_no_part_of_it() -> None:
    assert without_comment(f"{HOST_KEY} root@docker host\n") == HOST_KEY
    assert without_comment(HOST_KEY) == HOST_KEY


@pytest.mark.parametrize(
    ("kind", "expected"), [("ssh-ed25519", "ssh-ed25519"), ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256")]
)
def test_rsa_key_signs_with_sha_2_alone(kind: str, expected: str) -> None:
    assert algorithms(f"{kind} AAAA") == expected
