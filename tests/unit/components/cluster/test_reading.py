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


@pytest.mark.parametrize(
    "aside",
    [
        "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        "E1126 10:00:00.000000     123 memcache.go:287] couldn't get resource list for metrics.k8s.io/v1beta1: no",
        "WARNING: the gcp auth plugin is deprecated",
    ],
)
def test_warnings_beside_what_is_forbidden_do_not_hide_the_cluster(aside: str) -> None:
    for stderr in (f"{FORBIDDEN}{aside}\n", f"{aside}\n{FORBIDDEN}"):
        assert check(found("Namespace", "shop", None), stderr=stderr, code=1).uid_of("shop") == "Namespace-shop"
    with pytest.raises(UnreadableError, match="no route to host"):
        check(stderr=f"{FORBIDDEN}Unable to connect to the server: no route to host\n{aside}\n", code=1)


def test_a_machine_without_kubectl_cannot_read_the_cluster() -> None:
    def run(*_: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError(stdin)

    with pytest.raises(UnreadableError, match="there is no kubectl on PATH"):
        look(stack(), run)
