import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.example.images import publish
from sandbox.machine.waiting import wait
from tests.support.registry import Registry

from .container import Container, pull, run


@pytest.fixture(scope="module")
def pulled(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pulled")
    digests = publish(registry.address)
    return {
        version: pull(registry.address, f"group/blog@{digest}", folder / version) for version, digest in digests.items()
    }


@pytest.fixture(scope="module")
def sites(pulled: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Container]]:
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    with run(pulled["1.0.0"], first) as one, run(pulled["2.0.0"], second) as two:
        yield {"1.0.0": one, "2.0.0": two}


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_every_page_shows_the_version(sites: dict[str, Container], version: str) -> None:
    for path in ("/", "/about/", "/posts/", "/posts/ship-small/"):
        answer = sites[version].get(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert f"version {version}<" in answer.body


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_the_version_alone_is_one_line_of_text(sites: dict[str, Container], version: str) -> None:
    answer = sites[version].get("/version.txt")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body == f"{version}\n"


def test_healthz_says_ok_and_is_not_logged(sites: dict[str, Container]) -> None:
    answer = sites["1.0.0"].get("/healthz")
    assert (answer.status, answer.body) == (200, "ok\n")
    sites["1.0.0"].get("/about/")
    logged = [json.loads(line)["request"]["uri"] for line in sites["1.0.0"].stdout.read_text().splitlines()]
    assert "/about/" in logged
    assert "/healthz" not in logged


def test_a_page_that_is_not_there_is_404_in_the_sites_own_dress(sites: dict[str, Container]) -> None:
    answer = sites["1.0.0"].get("/no/such/page")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no page at this address." in answer.body
    assert "version 1.0.0<" in answer.body


@pytest.mark.parametrize("path", ["/", "/version.txt", "/no/such/page"])
def test_a_browser_that_has_seen_one_version_is_given_the_next(sites: dict[str, Container], path: str) -> None:
    seen = sites["1.0.0"].get(path).headers
    validators = {"If-None-Match": seen.get("Etag"), "If-Modified-Since": seen.get("Last-Modified")}
    answer = sites["2.0.0"].get(path, {name: value for name, value in validators.items() if value})
    assert "2.0.0" in answer.body
    assert "Etag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-cache"


def test_it_runs_as_nobody_in_particular_and_complains_of_nothing(sites: dict[str, Container]) -> None:
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{sites['1.0.0'].pid}/status").read_text().splitlines())
    assert status["Uid"].split() == status["Gid"].split() == ["65532"] * 4
    assert status["CapBnd"].strip("0") == status["CapEff"].strip("0") == ""
    assert status["NoNewPrivs"] == "1"
    levels = {json.loads(line)["level"] for line in sites["1.0.0"].stderr.read_text().splitlines()}
    assert "info" in levels
    assert "error" not in levels


def test_sigterm_drains_it_and_ends_it_with_0(pulled: dict[str, Path], tmp_path: Path) -> None:
    with run(pulled["1.0.0"], tmp_path) as site:
        subprocess.run(["kill", "-TERM", str(site.pid)], check=True)
        # For the delay it serves on, and its health check tells a proxy to let go of it.
        assert wait(lambda: site.get("/healthz").status == 503, 60)
        assert site.get("/version.txt").body == "1.0.0\n"
        assert site.process.wait() == 0
