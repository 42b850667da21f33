"""Rules for texts people type, each mirroring the system that would refuse the text later. Pure: no Pulumi here."""

import base64
import datetime
import ipaddress
from urllib.parse import urlsplit

from components.settings.rule import Rule


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _has_host(url: str) -> bool:
    """Whether the host of a URL is a valid one, as far as its pattern does not say so."""
    host = urlsplit(url).hostname or ""
    return (_is_address(host) if ":" in host else len(host) <= 253) and url.isascii()


def _is_host_key(text: str) -> bool:
    try:
        kind, data, *_ = text.split(" ", 2)
        blob = base64.b64decode(data, validate=True)
    except ValueError:
        return False
    # A key repeats its type, after four bytes that say how long it is (RFC 4253, 6.6).
    return blob[4 : 4 + len(kind)] == kind.encode() and len(blob) > len(kind) + 8


_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LABEL_TEXT = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_PORT = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS = r"\[[0-9a-f:.]+\]"
HOST_AND_PORT = f"(?:{_SUBDOMAIN}|{_ADDRESS})(?::{_PORT})?"
_REST = r"(?:/[!-\x22$->@-~]*)?"
"""A path, with no query and no fragment."""
_PRIVATE = (
    r"(?:localhost|(?:(?:10|127)\.[0-9]{1,3}|169\.254|192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))(?:\.[0-9]{1,3}){2}"
    r"|\[(?:::1|f[cd][0-9a-f:]+)\])"
)
_SEGMENT = r"(?![^/]*\.(?:git|atom)?(?:/|$))[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_SCOPE = "[A-Za-z0-9_/${}. *-]"
_HTTP = "[A-Za-z0-9._~!$&'()*+,;=:@%-]"
_MOUNT = "[A-Za-z0-9._~!$&'()*+,;=@%-]"

DNS_LABEL = Rule(
    pattern=_LABEL,
    cause="is not a DNS label",
    remedy="use at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit",
)
"""An RFC 1123 label (Kubernetes: Object Names and IDs)."""

DNS_NAME = Rule(
    pattern=_SUBDOMAIN,
    longest=253,
    cause="is not a DNS name",
    remedy=("use lower-case letters, digits, '-' and '.', labels of at most 63 characters and at most 253 in all"),
)
"""A host name, or the name of most Kubernetes objects: RFC 1123 labels joined by dots (Object Names and IDs)."""

OWN_NAMESPACE = Rule(
    pattern=r"(?!default$|kube-)[^\n]*",
    cause="belongs to the cluster",
    remedy="name a namespace of the application's own, such as 'blog'",
)
"""None of the namespaces that the cluster itself lives in."""

SERVICE_NAME = Rule(
    pattern="[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?",
    cause="is not the name of a Service",
    remedy="use at most 63 lower-case letters, digits and '-', starting with a letter",
)
"""An RFC 1035 label (Kubernetes: Service, valid names)."""

LABEL = Rule(
    pattern=rf"(?:{_SUBDOMAIN}/)?{_LABEL_TEXT}",
    cause="is not the name of a label",
    remedy="use at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends, such as 'app'; a DNS "
    "name and '/' may be in front",
)
"""The name of a label (Kubernetes: Labels and Selectors)."""

LABEL_VALUE = Rule(
    pattern=_LABEL_TEXT,
    cause="is not the value of a label",
    remedy="use at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends",
)
"""The value of a label that is not empty (Kubernetes: Labels and Selectors)."""

SERVER_URL = Rule(
    pattern=f"https://{HOST_AND_PORT}{_REST}",
    check=_has_host,
    cause="is not the https URL of an API server",
    remedy=(
        "use the address GitLab CI reaches, such as 'https://kube.example.com:6443', with no user "
        "name, query or fragment"
    ),
)
"""The address of an API server in a kubeconfig that is to be masked."""

GITLAB_URL = Rule(
    pattern=f"(?:https://(?:{_SUBDOMAIN}|{_ADDRESS})|http://{_PRIVATE})(?::{_PORT})?{_REST}",
    check=_has_host,
    cause="is not the URL of a GitLab instance",
    remedy=(
        "use its address, such as 'https://gitlab.example.com': https, or http to a private address, with no user "
        "name, query or fragment"
    ),
)
"""Over http the token can be read."""

GITLAB_PROJECT = Rule(
    pattern=f"[0-9]+|{_SEGMENT}(?:/{_SEGMENT})+",
    cause="is not a GitLab project",
    remedy="use its full path, such as 'group/blog', or its numeric id",
)
"""Full path or numeric id (GitLab REST API: namespaced paths; GitLab: lib/gitlab/path_regex.rb)."""

ENVIRONMENT_SCOPE = Rule(
    pattern=f"(?! ){_SCOPE}+(?<! )",
    longest=255,
    cause="is not an environment scope",
    remedy="use an environment's name, a pattern such as 'review/*', or '*' for every job",
)
"""Of a variable (GitLab: limit the environment scope of a CI/CD variable)."""

PREVIEW_SCOPE = Rule(
    pattern=f"preview/{_SCOPE}*(?<! )",
    longest=255,
    cause="is not an environment scope below 'preview/'",
    remedy="use one such as 'preview/*' or 'preview/staging'",
)
"""Where the jobs of merge requests are."""

REGISTRY = Rule(
    pattern=f"{_SUBDOMAIN}(?::{_PORT})?",
    longest=259,
    cause="is not the host of a registry",
    remedy="use one such as 'registry.example.com', as image references start with it",
)
"""With an optional port."""

LOGIN = Rule(
    pattern="[A-Za-z0-9$_.@+=/~!#%-]+",
    longest=255,
    cause="is not a user name",
    remedy="use letters, digits and the signs of $_.@+=/~!#%-, such as 'robot$blog'",
)
"""Of a registry: without the ':' that ends it in HTTP's Basic authentication (RFC 7617)."""

DAY = Rule(
    pattern="[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
    check=_is_day,
    cause="is not a day",
    remedy='use one such as "2027-01-31", in quotes',
)
"""A day of the calendar."""

ROTATION = Rule(
    pattern="[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?",
    cause="is not a rotation id, which becomes part of a Secret's name",
    remedy="use at most 40 lower-case letters, digits and '-', in quotes, such as \"2026-11\"",
)
"""It ends the name of the token Secret: the characters of a DNS label."""

DOCKER_NAME = Rule(
    pattern="[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}",
    cause="is not a name Docker takes",
    remedy="use 2 to 63 letters, digits, '_', '.' and '-', starting with a letter or digit",
)
"""Of a network, volume or container (Moby: daemon/names, RestrictedNamePattern)."""

COMPOSE_PROJECT = Rule(
    pattern="[a-z0-9][a-z0-9_-]{0,62}",
    cause="is not the name of a compose project",
    remedy="use small letters, digits, '_' and '-', starting with a letter or digit",
)
"""Compose specification: name."""

CPU = Rule(
    pattern=r"(?=[0.]*[1-9])(?:[0-9]+m|[0-9]+(?:\.[0-9]{1,3})?)",
    cause="is not an amount of CPU above 0",
    remedy="use one such as '100m' or '0.5'",
)
"""A resource quantity (Kubernetes: meaning of CPU)."""

MEMORY = Rule(
    pattern="(?:1[6-9]|[2-9][0-9]|[1-9][0-9]{2,6})Mi|[1-9][0-9]{0,3}Gi",
    cause="is not an amount of memory of 16Mi or more",
    remedy="use whole Mi or Gi, such as '256Mi'",
)
"""A resource quantity (Kubernetes: Quantity), of those that Docker can be given too."""

HTTP_PATH = Rule(
    pattern=f"/(?:{_HTTP}|/)*",
    cause="is not an HTTP path",
    remedy="start it with '/', with no white space or query, such as '/healthz'",
)
"""The path of an HTTP probe."""

MOUNT_PATH = Rule(
    pattern=rf"(?:/(?!\.\.(?:/|$)){_MOUNT}+)+/?",
    form="/PATH",
    cause="is not a path inside of a container",
    remedy="use an absolute path below '/', such as '/tmp'",
)
"""Of a folder or file."""

ARGUMENT = Rule(
    pattern="(?=.*[^ ])[^\\x00-\\x1f\\x7f]*",
    check=str.isprintable,
    cause="is not an argument of a command",
    remedy="use some text on one line",
)
"""Of a command that is run in a container."""

SCRIPT = Rule(
    pattern=r"(?=[\s\S]*\S)[^\x00]*",
    cause="is not an argument of a command",
    remedy="use some text",
)
"""Of the command that a container runs, which may be a script of several lines."""

ENV_NAME = Rule(
    pattern="(?!\\.(?:\\.|$))[A-Za-z_.-][A-Za-z0-9_.-]*",
    longest=253,
    cause="is not the name of an environment variable",
    remedy="use letters, digits, '_', '.' and '-', a digit not first, such as 'DB_PASSWORD' or 'spring.active'",
)
"""What the keys of a Secret can be, and every version of Kubernetes takes (apimachinery: IsEnvVarName)."""

FILES = Rule(
    pattern=r"(?!/)(?!(?:[^\n]*/)?\.\.(?:/|$))[^\x00-\x1f\x7f]+",
    cause="is not the path of files",
    remedy="use a path or glob inside of the folder, such as 'deployment.yml' or 'kubernetes/*.yaml'",
)
"""Inside of a folder, so that it does not lead out of it."""

DOCKER_ADDRESS = Rule(
    pattern=rf"ssh://[a-z_][a-z0-9_.-]*@(?:{_SUBDOMAIN}|\[[0-9a-f:]+\])(?::{_PORT})?",
    check=_has_host,
    cause="is not the address of a Docker host",
    remedy="use ssh://USER@HOST, or ssh://USER@HOST:PORT",
)
"""No part of it can be taken for an option of ssh."""

HOST_KEY = Rule(
    pattern=r"(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) [A-Za-z0-9+/]+={0,2}(?: [!-~]+)?",
    check=_is_host_key,
    cause="is not a host key",
    remedy=(
        "use what 'ssh-keyscan -t ed25519 HOST' prints behind the name, compared with the host's own "
        "/etc/ssh/ssh_host_ed25519_key.pub"
    ),
)
"""TYPE BASE64 [COMMENT], one that OpenSSH takes by default (sshd(8): SSH_KNOWN_HOSTS FILE FORMAT)."""

KEY_FILE = Rule(
    pattern=r"(?:/|~/|\$\{[A-Z_][A-Z0-9_]*\})[A-Za-z0-9_./${}-]*",
    cause="is not the path of a private key",
    remedy=("use an absolute one, which may start with ~/ or be a variable, such as '~/.ssh/deploy' or '${SSH_KEY}'"),
)
"""In which ssh expands ~ and ${VARIABLE} (ssh_config(5): IdentityFile)."""

BIND_ADDRESS = Rule(
    pattern="[0-9A-Fa-f:.]+",
    check=_is_address,
    cause="is not an IP address",
    remedy="use one of the Docker host, such as '127.0.0.1'",
)
"""The address a port is published on."""
