"""The keys of a service that go to Docker as they are: as arguments of docker.Container. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from components.compose import values
from components.compose.fields import Fields

_TEXTS = {
    "cgroup": "cgroupns_mode",
    "cgroup_parent": "cgroup_parent",
    "cpus": "cpus",
    "cpuset": "cpu_set",
    "domainname": "domainname",
    "hostname": "hostname",
    "ipc": "ipc_mode",
    "pid": "pid_mode",
    "platform": "platform",
    "runtime": "runtime",
    "stop_signal": "stop_signal",
    "user": "user",
    "userns_mode": "userns_mode",
    "working_dir": "working_dir",
}
_NUMBERS = {"cpu_period": "cpu_period", "cpu_quota": "cpu_quota", "cpu_shares": "cpu_shares"}
_BOOLEANS = {
    "init": "init",
    "privileged": "privileged",
    "read_only": "read_only",
    "stdin_open": "stdin_open",
    "tty": "tty",
}
_LISTS = {
    "device_cgroup_rules": "device_cgroup_rules",
    "dns": "dns",
    "dns_opt": "dns_opts",
    "dns_search": "dns_searches",
    "group_add": "group_adds",
    "security_opt": "security_opts",
}
_SIZES = {
    "mem_limit": "memory",
    "mem_reservation": "memory_reservation",
    "memswap_limit": "memory_swap",
    "shm_size": "shm_size",
}
_MAPPINGS = {"sysctls": "sysctls", "storage_opt": "storage_opts"}


def read(service: Fields) -> dict[str, Any]:
    """The arguments that the service gives."""
    found: dict[str, Any] = {}
    readers: tuple[tuple[Mapping[str, str], Callable[[str], Any]], ...] = (
        (_TEXTS, service.text),
        (_NUMBERS, service.number),
        (_BOOLEANS, service.boolean),
        (_LISTS, lambda key: list(service.texts(key))),
        (_SIZES, lambda key: _size(service, key)),
        (_MAPPINGS, lambda key: {name: text or "" for name, text in service.pairs(key).items()}),
    )
    for keys, reader in readers:
        for key, argument in keys.items():
            if key in service:
                found[argument] = reader(key)
    for key, argument in (("ipc", "ipc_mode"), ("pid", "pid_mode")):
        if str(found.get(argument, "")).startswith(("service:", "container:")):
            service.refuse(key, "ties two containers together", "take it out")
    drops, adds = service.texts("cap_drop"), service.texts("cap_add")
    if drops or adds:
        found["capabilities"] = {"drops": sorted(map(_capability, drops)), "adds": sorted(map(_capability, adds))}
    if "extra_hosts" in service:
        found["hosts"] = _hosts(service)
    if "ulimits" in service:
        found["ulimits"] = _ulimits(service.child("ulimits"))
    if "devices" in service:
        found["devices"] = _devices(service)
    if "logging" in service:
        logging = service.child("logging")
        logging.only({"driver", "options"})
        found |= {"log_driver": logging.text("driver")} if "driver" in logging else {}
        found["log_opts"] = {name: text or "" for name, text in logging.pairs("options").items()}
    _deploy(service, found)
    return found


def _capability(name: str) -> str:
    """As the provider keeps it, which would see a change otherwise."""
    upper = name.upper()
    return upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"


def _size(fields: Fields, key: str) -> int | None:
    value = fields.value.get(key)
    # No limit for swap.
    if key == "memswap_limit" and str(value) == "-1":
        return -1
    try:
        return values.mebibytes(value)
    except ValueError as error:
        fields.refuse(key, str(error), "write such as 64m")
        return None


def _hosts(service: Fields) -> list[dict[str, str]]:
    value = service.value["extra_hosts"]
    if isinstance(value, Mapping):
        pairs = [(host, str(ip)) for host, ips in value.items() for ip in (ips if isinstance(ips, list) else [ips])]
    else:
        # Only the first one separates: an address of IPv6 has colons too.
        split = [re.split("[=:]", text, maxsplit=1) for text in service.texts("extra_hosts")]
        pairs = [(host, rest[0] if rest else "") for host, *rest in split]
    found = set()
    for host, ip in pairs:
        if not ip:
            service.refuse("extra_hosts", f"has {host!r} with no address", "write HOST=ADDRESS")
        found.add((host, re.sub(r"^\[(.*)\]$", r"\1", ip)))
    return [{"host": host, "ip": ip} for host, ip in sorted(found)]


def _ulimits(limits: Fields) -> list[dict[str, Any]]:
    found = []
    for name, value in limits.value.items():
        if isinstance(value, Mapping):
            both = limits.child(name)
            soft, hard = both.number("soft"), both.number("hard")
        else:
            soft = hard = limits.number(name)
        found.append({"name": name, "soft": soft, "hard": hard})
    return sorted(found, key=lambda one: str(one["name"]))


def _devices(service: Fields) -> list[dict[str, str]]:
    found = []
    for number, item in service.items("devices"):
        if isinstance(item, Mapping):
            one = Fields.of(service.source, (*service.path, "devices", number), item)
            host, inside, rights = one.text("source"), one.text("target"), one.text("permissions")
        else:
            host, inside, rights = [*str(item).split(":"), None, None][:3]
        if not host or not host.startswith("/"):
            service.source.refuse(
                (*service.path, "devices", number), "is no device of the host", "write HOST:CONTAINER:rwm"
            )
            continue
        found.append({"host_path": host, "container_path": inside or host, "permissions": rights or "rwm"})
    return found


def _deploy(service: Fields, found: dict[str, Any]) -> None:
    """What compose takes of `deploy`; the rest is for a swarm, and compose leaves it out too."""
    deploy = service.child("deploy")
    for key in ("scale", "replicas"):
        given = service if key == "scale" else deploy
        if given.number(key) not in {None, 1}:
            given.refuse(key, "is not 1", "write a service for each container: here a service is one")
    if deploy.text("mode") not in {None, "replicated"}:
        deploy.refuse("mode", "is for a swarm", "take it out")
    resources = deploy.child("resources")
    limits, reserved = resources.child("limits"), resources.child("reservations")
    if "devices" in reserved:
        reserved.refuse("devices", "is nothing that is tried here", "run that service with docker compose")
    if "pids" in limits:
        limits.refuse("pids", "is nothing that Docker's provider sets", "use ulimits.nproc")
    limits.only({"cpus", "memory", "pids"})
    reserved.only({"cpus", "memory", "devices", "generic_resources"})
    if "cpus" in limits:
        found.setdefault("cpus", limits.text("cpus"))
    if "memory" in limits:
        found.setdefault("memory", _size(limits, "memory"))
    if "memory" in reserved:
        found.setdefault("memory_reservation", _size(reserved, "memory"))
    # As Docker completes and writes them, or each refresh would find a change.
    if found.get("memory"):
        found.setdefault("memory_swap", 2 * found["memory"])
    if found.get("cpus"):
        found["cpus"] = _cpus(service, str(found["cpus"]))


def _cpus(service: Fields, text: str) -> str:
    try:
        return f"{float(text):.9f}".rstrip("0").rstrip(".")
    except ValueError:
        service.refuse("cpus", f"is {text!r}, which is no number", "write such as 0.5")
        return text


def restart(service: Fields) -> tuple[str, int | None]:
    """The restart policy, and how many times it starts a container again at most."""
    policy, attempts = service.text("restart") or "no", None
    given = service.child("deploy").child("restart_policy")
    if given.value:
        # Of the two, compose takes this one.
        condition = given.text("condition") or (policy if "restart" in service else "any")
        policy = {"none": "no", "any": "always"}.get(condition, condition)
        attempts = given.number("max_attempts")
    found = re.fullmatch(r"(no|always|on-failure|unless-stopped)(?::([0-9]{1,9})?)?", policy)
    if found is None:
        service.refuse("restart", f"is {policy!r}", "use no, always, on-failure, on-failure:TIMES or unless-stopped")
        return "no", None
    return found[1], int(found[2]) if found[2] else attempts if found[1] == "on-failure" else None
