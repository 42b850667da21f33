"""The networks and volumes of a compose file. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.compose.fields import Fields
from components.compose.model import Network, Service, Volume


def networks(top: Fields, project: str, services: Mapping[str, Service]) -> Iterator[tuple[str, Network]]:
    """Those that a service is on, by their keys."""
    section = top.child("networks")
    used = dict.fromkeys(one.network for service in services.values() for one in service.networks)
    for key in used:
        given = section.child(key)
        given.only(
            {
                "name",
                "driver",
                "driver_opts",
                "ipam",
                "external",
                "internal",
                "attachable",
                "labels",
                "enable_ipv6",
                "enable_ipv4",
            }
        )
        external, external_name = _external(given)
        name = given.text("name") or external_name or (key if external else f"{project}_{key}")
        if given.boolean("enable_ipv4") is False:
            given.refuse("enable_ipv4", "is false, which Docker's provider cannot set", "take it out")
        if given.text("driver") == "overlay" and not external:
            given.refuse("driver", "is overlay, which only a swarm has", "take it out: bridge is what one host needs")
        options: dict[str, Any] = {
            argument: reader(name_)
            for name_, argument, reader in (
                ("driver", "driver", given.text),
                ("internal", "internal", given.boolean),
                ("attachable", "attachable", given.boolean),
                ("enable_ipv6", "ipv6", given.boolean),
            )
            if name_ in given
        }
        if "driver_opts" in given:
            options["options"] = {option: text or "" for option, text in given.pairs("driver_opts").items()}
        if "labels" in given:
            options["labels"] = {label: text or "" for label, text in given.pairs("labels").items()}
        options |= _ipam(given.child("ipam"))
        where = top.source.where(given.path)
        yield key, Network(key=key, where=where, name=name, is_external=external, options=options)


def volumes(top: Fields, project: str, services: Mapping[str, Service]) -> Iterator[tuple[str, Volume]]:
    """Those that a service mounts, by their keys."""
    section = top.child("volumes")
    used = dict.fromkeys(mount.volume for service in services.values() for mount in service.mounts if mount.volume)
    for key in used:
        given = section.child(key)
        given.only({"name", "driver", "driver_opts", "external", "labels"})
        external, external_name = _external(given)
        name = given.text("name") or external_name or (key if external else f"{project}_{key}")
        device = given.child("driver_opts").text("device") or ""
        if device.startswith((".", "~")):
            given.refuse(
                "driver_opts",
                f"has the device {device!r}, which the Docker host does not have",
                "name an absolute path of the host, or take driver_opts out",
            )
        options: dict[str, Any] = {"driver": given.text("driver")} if "driver" in given else {}
        if "driver_opts" in given:
            options["driver_opts"] = {option: text or "" for option, text in given.pairs("driver_opts").items()}
        if "labels" in given:
            options["labels"] = {label: text or "" for label, text in given.pairs("labels").items()}
        where = top.source.where(given.path)
        yield key, Volume(key=key, where=where, name=name, is_external=external, options=options)


def _ipam(given: Fields) -> dict[str, Any]:
    given.only({"driver", "config", "options"})
    found: dict[str, Any] = {}
    if given.text("driver") not in {None, "default"}:
        found["ipam_driver"] = given.text("driver")
    if "options" in given:
        found["ipam_options"] = {name: text or "" for name, text in given.pairs("options").items()}
    configs = []
    for number, item in given.items("config"):
        one = Fields.of(given.source, (*given.path, "config", number), item)
        one.only({"subnet", "ip_range", "gateway", "aux_addresses"})
        config: dict[str, Any] = {key: one.text(key) for key in ("subnet", "ip_range", "gateway") if key in one}
        if "aux_addresses" in one:
            config["aux_address"] = dict(one.pairs("aux_addresses"))
        configs.append(config)
    return {**found, **({"ipam_configs": configs} if configs else {})}


def _external(given: Fields) -> tuple[bool, str | None]:
    """Whether it exists already, and its name in the old form `external: {name: NAME}`."""
    value = given.value.get("external")
    if isinstance(value, Mapping):
        return True, given.child("external").text("name")
    return bool(given.boolean("external")), None
