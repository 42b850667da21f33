"""How soon Docker finds that a new container is healthy: at once, not after the interval of its health check. Pure."""

import re
from dataclasses import replace

from components.compose.model import Service
from components.compose.values import milliseconds

_API = (1, 44)
"""Docker 25, the first that knows `start_interval`; an older one refuses it."""
_DEFAULT_INTERVAL = "30s"
"""Docker's own."""
START_INTERVAL = "500ms"


def quick_start(service: Service, api: str | None) -> Service:
    """The service with a health check that asks every half second until it was due for the first time.

    Without it, Docker asks for the first time once the interval is over: for so long, thirty seconds by default, a
    container that serves is not known to. What fails in that time is not counted, so that nothing is unhealthy sooner
    than the file says. A health check that says itself how it begins stays, as does that of a service of another image,
    such as a database, which would be replaced for it. `api` is the version of the host's Engine API; None is one that
    knows it.
    """
    check = service.healthcheck
    if check is None or not service.is_stacks_own or not has_start_interval(api):
        return service
    if check.is_off or check.test is None or check.start_period or check.start_interval:
        return service
    interval = check.interval or _DEFAULT_INTERVAL
    if milliseconds(interval) <= milliseconds(START_INTERVAL):
        return service
    return replace(service, healthcheck=replace(check, start_period=interval, start_interval=START_INTERVAL))


def has_start_interval(api: str | None) -> bool:
    """Whether a host with this version of the Engine API, such as 1.44, asks more often at the start."""
    found = re.fullmatch(r"([0-9]+)\.([0-9]+)", api) if api else None
    return found is None or (int(found[1]), int(found[2])) >= _API
