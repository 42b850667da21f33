import pytest

from components.compose.model import Healthcheck
from components.compose.quick_start import quick_start
from tests.support.compose_files import read, service

CHECK = "healthcheck: {test: [CMD, check]%s}"


def started(body: str, api: str | None = "1.44") -> Healthcheck | None:
    return quick_start(read(service(body)).services["web"], api).healthcheck


@pytest.mark.parametrize(
    ("body", "period"),
    [(CHECK % "", "30s"), (CHECK % ", interval: 5s", "5s"), (CHECK % ", interval: 1m30s, retries: 9", "1m30s")],
)
def test_a_new_container_is_asked_at_once_until_its_check_was_due_first(body: str, period: str) -> None:
    for api in ("1.44", "1.51", "2.0", None):
        found = started(body, api)
        assert found is not None
        assert (found.start_period, found.start_interval) == (period, "500ms")


@pytest.mark.parametrize(
    "body",
    [
        CHECK % ", start_period: 9s",
        CHECK % ", start_interval: 2s",
        CHECK % ", interval: 500ms",
        "healthcheck: {disable: true}",
        "healthcheck: {interval: 5s}",
        "ports: ['80:80']",
    ],
)
def test_a_check_that_says_itself_how_it_begins_stays(body: str) -> None:
    declared = read(service(body)).services["web"]
    assert quick_start(declared, "1.51") == declared


def test_a_host_that_does_not_know_it_is_not_asked_for_it() -> None:
    for api in ("1.43", "1.9"):
        found = started(CHECK % "", api)
        assert found is not None
        assert (found.start_period, found.start_interval) == (None, None)


def test_a_service_of_another_image_is_never_replaced_for_it() -> None:
    other = read("services: {web: {image: IMAGE}, db: {image: 'postgres:17', healthcheck: {test: [CMD, x]}}}")
    assert quick_start(other.services["db"], "1.51") == other.services["db"]
