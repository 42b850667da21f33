"""What a run says at its end: the image that serves, who deployed it, in how many seconds, and where it is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.cluster.ingresses import ingresses

if TYPE_CHECKING:
    from components.compose.model import Project
    from components.image.history import Deployed
    from components.outputs import AddressesOutput
    from components.settings.settings import Settings


def addresses(stack: Settings, project: Project | None) -> AddressesOutput:
    """The URLs that lead to the application, by target; a target without any is left out.

    They are what the stack declares: no run changes them but one that changes the stack file.
    """
    on_cluster = list(dict.fromkeys(url for item in ingresses(stack) for url in item.addresses))
    found: AddressesOutput = {"kubernetes": on_cluster} if on_cluster else {}
    on_host: list[str] = []
    if project:
        # A stack without a compose file loads nothing of it.
        from components.compose import routes  # noqa: PLC0415

        on_host = [
            f"{'https' if route.tls else 'http'}://{host}/"
            for service in project.services.values()
            if service.is_stacks_own and service.is_routed
            for route in routes.routes(service.labels)
            for host in route.hosts
        ]
    elif target := stack.docker_host:
        on_host = [f"{'https' if target.tls else 'http'}://{host}{target.path}" for host in target.route_hosts]
    if on_host:
        found["dockerHost"] = list(dict.fromkeys(on_host))
    return found


def summary(deployed: Deployed, at: AddressesOutput, seconds: float) -> str:
    """One line: the image, its commit and who deployed it, after how many seconds of this run, and the addresses."""
    origin = deployed.origin
    facts = [
        *([f"commit {origin.commit[:8]}"] if origin.commit else []),
        f"{origin.pipeline} {origin.pipeline.url}" if origin.pipeline else "deployed by a developer",
        *(["rolled back"] if deployed.rolled_back else []),
    ]
    urls = [*at.get("kubernetes", ()), *at.get("dockerHost", ())]
    where = f": {' '.join(dict.fromkeys(urls))}" if urls else ""
    return f"{deployed.image} serves after {seconds:.0f} s ({', '.join(facts)}){where}"
