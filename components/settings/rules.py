"""Rules for values people type, each mirroring the system that would refuse the value later.

A rule takes a value and gives the reason it is refused together with the remedy, or None where the value is fine.
Settings put the path of the key in front of the reason; component arguments put the field name there.
"""

import base64
import datetime
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

Rule = Callable[[str], str | None]

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PROJECT = re.compile(r"[0-9]+|[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+", re.ASCII)
_SCOPE = re.compile(r"[A-Za-z0-9_/${}. *-]+", re.ASCII)
_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", re.ASCII)
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", re.ASCII)


def require(field: str, value: str, rule: Rule) -> None:
    """Raises ValueError naming the field where the rule refuses the value; for arguments made by hand in code."""
    reason = rule(value)
    if reason:
        raise ValueError(f"{field}: {reason}")


def quoted(value: object) -> str:
    """The value as it is shown in an error: one line, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}...{text[-1]}"


def dns_label(value: str) -> str | None:
    """A name of a Namespace or Service: an RFC 1123 label (Kubernetes: Object Names and IDs)."""
    if len(value) <= 63 and _LABEL.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not a name Kubernetes takes; use at most 63 lower-case letters, digits and '-', "
        "starting and ending with a letter or digit"
    )


def dns_subdomain(value: str) -> str | None:
    """A host name, or the name of most Kubernetes objects: RFC 1123 labels joined by dots (Object Names and IDs)."""
    if len(value) <= 253 and all(len(label) <= 63 and _LABEL.fullmatch(label) for label in value.split(".")):
        return None
    return (
        f"{quoted(value)} is not a DNS name; use lower-case letters, digits, '-' and '.', "
        "labels of at most 63 characters and at most 253 in all"
    )


def namespace(value: str) -> str | None:
    """A namespace a stack may own: a DNS label, and none of those the cluster itself lives in."""
    if value == "default" or value.startswith("kube-"):
        return f"{quoted(value)} belongs to the cluster; name a namespace of the application's own, such as 'blog'"
    return dns_label(value)


def service_name(value: str) -> str | None:
    """A Service's name: an RFC 1035 label, so it starts with a letter (Kubernetes: Service, valid names)."""
    if value[:1].isdigit():
        return f"{quoted(value)} starts with a digit, which a Service's name may not; start it with a letter"
    return dns_label(value)


def server_url(value: str) -> str | None:
    """The address of an API server in a kubeconfig that is to be masked: https, no user, query or white space."""
    reason = _url(value, "https")
    return reason and f"{reason}; use the address GitLab CI reaches, such as 'https://kube.example.com:6443'"


def gitlab_url(value: str) -> str | None:
    """The address of a GitLab instance: https; http, in which the token is readable, only to a private address."""
    reason = _url(value, "https", "http")
    if reason is None and urlsplit(value).scheme == "http" and not _is_private(urlsplit(value).hostname or ""):
        reason = f"{quoted(value)} would send the GitLab token unencrypted"
    return reason and f"{reason}; use the address of the GitLab instance, such as 'https://gitlab.example.com'"


def gitlab_project(value: str) -> str | None:
    """A GitLab project: its full path, or its numeric id (GitLab REST API: namespaced paths)."""
    if _PROJECT.fullmatch(value):
        return None
    return f"{quoted(value)} is not a GitLab project; use its full path, such as 'group/blog', or its numeric id"


def environment_scope(value: str) -> str | None:
    """The environment scope of a GitLab variable (GitLab: limit the environment scope of a CI/CD variable)."""
    if len(value) <= 255 and value == value.strip() and _SCOPE.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not an environment scope; use an environment's name, a pattern such as 'review/*', "
        "or '*' for every job"
    )


def preview_scope(value: str) -> str | None:
    """An environment scope below `preview/`, where the jobs of merge requests are."""
    if value.startswith("preview/"):
        return environment_scope(value)
    return f"{quoted(value)} is not below 'preview/'; use a scope such as 'preview/*' or 'preview/staging'"


def registry(value: str) -> str | None:
    """The host of a registry, with an optional port, as image references start with it."""
    host, _, port = value.partition(":")
    if dns_subdomain(host) is None and (not port or (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535)):
        return None
    return f"{quoted(value)} is not the host of a registry; use one such as 'registry.example.com'"


def day(value: str) -> str | None:
    """A day of the calendar, YYYY-MM-DD."""
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return f'{quoted(value)} is not a day; use one such as "2027-01-31", in quotes'
    return None


def rotation(value: str) -> str | None:
    """The mark of a rotation, which ends the name of the token Secret: the characters of a DNS label."""
    if len(value) <= 40 and _LABEL.fullmatch(value):
        return None
    return (
        f"{quoted(value)} becomes part of a Secret's name; use at most 40 lower-case letters, digits and '-', "
        'quoted in the stack file, such as "2026-11"'
    )


def docker_name(value: str) -> str | None:
    """The name of a network, volume or container of Docker (Moby: daemon/names, RestrictedNamePattern)."""
    if len(value) <= 63 and len(value) > 1 and _DOCKER_NAME.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not a name Docker takes; use 2 to 63 letters, digits, '_', '.' and '-', "
        "starting with a letter or digit"
    )


def quantity(value: str) -> str | None:
    """A resource quantity (Kubernetes: Quantity)."""
    if _QUANTITY.fullmatch(value) and float(re.match(r"[0-9.]+", value)[0]) > 0:  # type: ignore[index]
        return None
    return f"{quoted(value)} is not a resource quantity above 0; use one such as '100m' of CPU or '128Mi' of memory"


def http_path(value: str) -> str | None:
    """The path of an HTTP probe."""
    if _PATH.fullmatch(value):
        return None
    return f"{quoted(value)} is not an HTTP path; start it with '/', with no white space or query, such as '/healthz'"


def mount_path(value: str) -> str | None:
    """A folder inside a container."""
    if _PATH.fullmatch(value) and value != "/" and ":" not in value and ".." not in value.split("/"):
        return None
    return f"{quoted(value)} is not a folder that can be mounted; use an absolute path below '/', such as '/tmp'"


def argument(value: str) -> str | None:
    """An argument of a command: some text on one line."""
    if value.strip() and value.isprintable():
        return None
    return f"{quoted(value)} is not an argument of a command; use some text on one line"


def cidr(value: str) -> str | None:
    """A block of addresses of a NetworkPolicy (Kubernetes: IPBlock)."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return f"{quoted(value)} is not a block of addresses; use one such as '10.20.0.0/16'"
    return None


def env_name(value: str) -> str | None:
    """The name of an environment variable: what every shell can read (POSIX: Environment Variables)."""
    if _ENV_NAME.fullmatch(value):
        return None
    return f"{quoted(value)} is not the name of an environment variable; use letters, digits and '_', a digit not first"


def docker_address(value: str) -> str | None:
    """The address of a Docker host: ssh://USER@HOST[:PORT], of which no part can be taken for an option of ssh."""
    match = re.fullmatch(r"ssh://([a-z_][a-z0-9_.-]*)@([^@/:\[\]]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", value, re.ASCII)
    host = match[2].strip("[]") if match else ""
    port = int(match[3][1:]) if match and match[3] else 22
    if match and 1 <= port <= 65535 and (_is_address(host) or dns_subdomain(host) is None):
        return None
    return f"{quoted(value)} is not the address of a Docker host; use ssh://USER@HOST, or ssh://USER@HOST:PORT"


def host_key(value: str) -> str | None:
    """A host's public key: TYPE BASE64, one that OpenSSH takes by default (sshd(8): SSH_KNOWN_HOSTS FILE FORMAT)."""
    kind, _, data = value.partition(" ")
    try:
        blob = base64.b64decode(data, validate=True)
    except ValueError:
        blob = b""
    # A key repeats its type, after four bytes that say how long it is (RFC 4253, 6.6).
    if kind in _KEY_TYPES and blob[4 : 4 + len(kind)] == kind.encode() and len(blob) > len(kind) + 8:
        return None
    return (
        f"{quoted(value)} is not a host key; use what 'ssh-keyscan -t ed25519 HOST' prints behind the name, compared "
        "with the host's own /etc/ssh/ssh_host_ed25519_key.pub"
    )


def key_file(value: str) -> str | None:
    """The path of a private key, in which ssh expands ~ and ${VARIABLE} (ssh_config(5): IdentityFile)."""
    if re.fullmatch(r"(/|~/|\$\{[A-Z_][A-Z0-9_]*\})[A-Za-z0-9_./${}-]*", value, re.ASCII):
        return None
    return (
        f"{quoted(value)} is not the path of a private key; use an absolute one, which may start with ~/ or be a "
        "variable, such as '~/.ssh/deploy' or '${SSH_KEY}'"
    )


def bind_address(value: str) -> str | None:
    """The address a port is published on."""
    if _is_address(value):
        return None
    return f"{quoted(value)} is not an IP address; use one of the Docker host, such as '127.0.0.1'"


def _url(value: str, *schemes: str) -> str | None:
    """Why the value is no URL of one of these schemes with a host, and nothing but a port and a path besides."""
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return f"{quoted(value)} is not a URL"
    host = url.hostname or ""
    if url.scheme not in schemes:
        return f"{quoted(value)} is not an {schemes[0]} URL"
    if not host or port == 0 or not (_is_address(host) or dns_subdomain(host) is None):
        return f"{quoted(value)} names no valid host and port"
    if url.username is not None or url.password is not None:
        return "the URL holds a user name or password"
    if url.query or url.fragment or re.search(r"[^\x21-\x7e]", value):
        return f"{quoted(value)} holds more than an address: white space, a query or a fragment"
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_private(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_private)
