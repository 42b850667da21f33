import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

from sandbox.hosts.proxy import THROTTLE
from sandbox.machine.waiting import wait
from tests.sandbox.hosts.docker_sandbox import SITE, UNHEALTHY, Sandbox, ask

SETTLED = THROTTLE + 0.5
"""Seconds after which Traefik surely knows a container that has become healthy."""


@contextmanager
def load(docker: Sandbox, rate: int = 50) -> Iterator[Counter[tuple[int, str]]]:
    """Ask the proxy `rate` times a second until the block ends; what it answers is counted."""
    answers: Counter[tuple[int, str]] = Counter()
    over = threading.Event()
    asking: list[threading.Thread] = []

    def once() -> None:
        answers[docker.get()] += 1

    def run() -> None:
        begun = time.monotonic()
        while not over.is_set():
            asking.append(threading.Thread(target=once))
            asking[-1].start()
            over.wait(begun + len(asking) / rate - time.monotonic())

    runner = threading.Thread(target=run)
    runner.start()
    try:
        yield answers
    finally:
        over.set()
        runner.join()
        for thread in asking:
            thread.join()


def swap(docker: Sandbox, old: str, new: str, version: str) -> None:
    docker.run(new, version)
    docker.wait_for(new)
    docker.remove(old)


def test_a_container_is_found_by_the_name_of_its_site_alone(docker: Sandbox) -> None:
    assert docker.get() == (404, "404 page not found\n")
    docker.run("one", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 20)
    assert docker.get(SITE.upper()) == (200, "1.0.0\n")
    assert docker.get("other.test")[0] == 404
    assert docker.get(docker.network.address("docker"))[0] == 404
    docker.remove("one")
    assert wait(lambda: docker.get()[0] == 404, 20)


def test_a_container_has_no_traffic_before_it_is_healthy_and_none_when_it_no_longer_is(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 20)
    with load(docker) as answers:
        docker.run("two", "2.0.0", UNHEALTHY)
        docker.wait_for("two", "unhealthy")
        time.sleep(SETTLED)
    assert set(answers) == {(200, "1.0.0\n")}
    assert answers.total() > 100


def test_containers_of_one_service_share_the_load(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    docker.run("two", "2.0.0")
    docker.wait_for("one")
    docker.wait_for("two")
    time.sleep(SETTLED)
    answers = Counter(docker.get() for _ in range(20))
    assert answers == {(200, "1.0.0\n"): 10, (200, "2.0.0\n"): 10}


def test_no_request_fails_while_containers_are_swapped(docker: Sandbox) -> None:
    docker.run("v0", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 20)
    time.sleep(SETTLED)
    with load(docker) as answers:
        for number in range(1, 5):
            swap(docker, f"v{number - 1}", f"v{number}", ("1.0.0", "2.0.0")[number % 2])
        time.sleep(SETTLED)
        assert all(docker.serves("1.0.0") for _ in range(20)), "an old version is served after the swap"
    assert set(answers) == {(200, "1.0.0\n"), (200, "2.0.0\n")}
    assert answers.total() > 500


def test_a_connection_that_is_kept_outlives_changes_of_the_routes(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 20)
    kept = HTTPConnection(docker.network.address("docker"), timeout=20)
    kept.connect()
    local = kept.sock.getsockname()
    assert ask(kept) == (200, "1.0.0\n")
    swap(docker, "one", "two", "2.0.0")
    assert wait(lambda: docker.serves("2.0.0"), 20)
    assert ask(kept) == (200, "2.0.0\n")
    assert kept.sock.getsockname() == local
    kept.close()


def test_each_change_is_one_line_in_the_log(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 20)
    address = docker.api("GET", "/containers/one/json")["NetworkSettings"]["Networks"]["web"]["IPAddress"]
    docker.remove("one")
    assert wait(lambda: docker.get()[0] == 404, 20)
    lines = [line.partition(" ")[2] for line in docker.log("proxy").splitlines()]
    assert lines[-2:] == [f"{SITE} -> {address}:8080 (was nobody)", f"{SITE} -> nobody (was {address}:8080)"]


def test_labels_that_differ_between_containers_are_named_in_the_log(docker: Sandbox) -> None:
    docker.run("one", "1.0.0")
    assert wait(lambda: docker.serves("1.0.0"), 20)
    docker.run("two", "2.0.0", rule="Host(`other.test`)")
    assert wait(lambda: docker.get()[0] == 404, 20)
    assert "router blog is ignored: containers describe it in different ways" in docker.log("proxy")
    docker.remove("two")
    assert wait(lambda: docker.serves("1.0.0"), 20)
