"""A stack of 50 manifests and a compose file of 20 services, as `bench.manifests` and `bench.compose` measure them."""

from bench import compose as compose_file
from bench import manifests as objects
from bench.docker import COMPOSE_UP
from bench.results import FLAT, OURS, Context
from bench.sample import Sample, plain_environment

SERVICES = 20
MOST_ROUNDS = 4


def manifests(context: Context) -> None:
    """Previews of nothing, beside a flat program with `ConfigFile`."""
    environment = plain_environment(context.instance.environment())
    found = objects.measure(environment, context.folder, min(context.runs, MOST_ROUNDS))
    for ours, flat in zip(found.ours, found.flat, strict=True):
        context.results.add("preview of 50 objects", OURS, _sample(*ours))
        context.results.add("preview of 50 objects", FLAT, _sample(*flat))


def compose(context: Context) -> None:
    """Changes of the image of four of the services while the site is asked, beside docker compose."""
    rounds = min(context.runs, MOST_ROUNDS)
    found = compose_file.measure(context.instance, services=SERVICES, rounds=rounds)
    asked = {}
    for name, measured in zip((OURS, COMPOSE_UP), found.values(), strict=True):
        for wall, cpu in zip(measured.seconds, measured.cpu_seconds, strict=True):
            context.results.add(f"image of 4 of {SERVICES} services", name, _sample(wall, cpu))
        asked[name] = {"requests": measured.requests, "failed": measured.failed}
    context.results.facts[f"requests during {rounds} changes"] = asked


def _sample(wall: float, cpu: float) -> Sample:
    return Sample(begun=0, wall=wall, cpu=cpu, memory=0)
