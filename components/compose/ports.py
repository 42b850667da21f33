"""Published ports of a service (compose specification: ports). Pure."""

import re
from collections.abc import Iterator, Mapping

from components.compose.fields import Fields
from components.compose.model import Port

_SHORT = re.compile(
    r"(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9]+(?:\.[0-9]+){3}|localhost)):)?(?:([0-9-]*):)?([0-9-]+)(?:/(tcp|udp|sctp))?"
)
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_REMEDY = "write HOST_PORT:CONTAINER_PORT, with ADDRESS: before and /PROTOCOL behind it if they are needed"


def read(service: Fields) -> tuple[Port, ...]:
    """The ports that the service publishes; what is none is recorded."""
    found: list[Port] = []
    for number, item in service.items("ports"):
        try:
            if isinstance(item, Mapping):
                found += _long(Fields.of(service.source, (*service.path, "ports", number), item))
            else:
                found += _short(str(item))
        except ValueError as error:
            service.source.refuse((*service.path, "ports", number), str(error), _REMEDY)
    return tuple(dict.fromkeys(found))


def _short(text: str) -> Iterator[Port]:
    found = _SHORT.fullmatch(text)
    if found is None:
        raise ValueError(f"is {text!r}, which is no port")
    ipv6, ipv4, external, internal, protocol = found.groups()
    address = ipv6 or ("127.0.0.1" if ipv4 == "localhost" else ipv4)
    yield from _ports(internal, external or None, address, protocol or "tcp")


def _long(given: Fields) -> Iterator[Port]:
    given.only({"target", "published", "host_ip", "protocol", "mode", "name", "app_protocol"})
    target = given.text("target")
    if target is None:
        raise ValueError("has no target")
    yield from _ports(target, given.text("published"), given.text("host_ip"), given.text("protocol") or "tcp")


def _ports(internal: str, external: str | None, address: str | None, protocol: str) -> Iterator[Port]:
    inside = _numbers(internal)
    outside: list[int] | list[None] = _numbers(external) if external else [None] * len(inside)
    if len(inside) != len(outside):
        raise ValueError(f"maps {len(outside)} ports of the host to {len(inside)} of the container")
    for one, other in zip(inside, outside, strict=True):
        yield Port(internal=one, external=other, address=address, protocol=protocol)


def _numbers(text: str) -> list[int]:
    found = _RANGE.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last <= 65535:
        raise ValueError(f"has {text!r}, which is no port from 1 to 65535")
    return list(range(first, last + 1))
