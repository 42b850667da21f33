import subprocess

import pytest

from components.cluster.reading import UnreadableError, look
from tests.support.cluster_reading import FORBIDDEN, check, found, stack


def test_what_may_not_be_read_is_left_out_and_any_other_error_is_not() -> None:
    assert check(found("Namespace", "shop", None), stderr=FORBIDDEN, code=1).uid_of("shop") == "Namespace-shop"
    assert check(stderr=FORBIDDEN, code=1).found == {}
    with pytest.raises(UnreadableError, match="Unauthorized"):
        check(stderr=f"{FORBIDDEN}error: You must be logged in to the server (Unauthorized)\n", code=1)
    with pytest.raises(UnreadableError, match="kubectl failed"):
        check(code=1)


def test_a_machine_without_kubectl_cannot_read_the_cluster() -> None:
    def run(*_: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError(stdin)

    with pytest.raises(UnreadableError, match="there is no kubectl on PATH"):
        look(stack(), run)
