"""Rules for texts of Kubernetes' objects and of kubeconfigs; see rules. Pure: no Pulumi here."""

import base64
import ipaddress
import re

from components.settings.rule import Rule
from components.settings.rules import DNS_NAME, HOST_AND_PORT, LABEL


def _are_certificates(text: str) -> bool:
    """Whether each block holds something in DER, or the text is the word."""
    bodies = re.findall(r"-----BEGIN CERTIFICATE-----([^-]*)-----END", text)
    try:
        return all(base64.b64decode("".join(body.split()), validate=True)[:1] == b"\x30" for body in bodies)
    except ValueError:
        return False


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


INTERNET = "internet"
EGRESS = Rule(
    pattern=f"{INTERNET}|[0-9A-Fa-f:.]+(?:/[0-9]{{1,3}})?",
    check=lambda text: text == INTERNET or _is_cidr(text),
    cause=f"is neither a block of addresses nor the word {INTERNET}",
    remedy=f"use one such as '10.20.0.0/16', or {INTERNET}",
)
"""Of a NetworkPolicy (Kubernetes: IPBlock)."""

ANNOTATION = Rule(
    pattern=LABEL.pattern,
    cause="is not the name of an annotation",
    remedy="use one such as 'cert-manager.io/cluster-issuer'",
)
"""The name of an annotation (Kubernetes: Annotations, syntax and character set)."""

ANNOTATION_VALUE = Rule(
    pattern=r"[^\x00]*",
    cause="is not the value of an annotation",
    remedy="use text without NUL",
)
"""Text of any form."""

SECRET_KEY = Rule(
    pattern=rf"{DNS_NAME.pattern}/(?!\.(?:\.|$))[A-Za-z0-9._-]{{1,253}}",
    form="SECRET/KEY",
    cause="is not the key of a Secret",
    remedy="use SECRET/KEY, such as 'database/password'",
)
"""The name of a Secret and one of its keys (Kubernetes: Secret, data)."""

STORAGE = Rule(
    pattern="[1-9][0-9]{0,5}(?:Mi|Gi|Ti)",
    cause="is not the size of a volume",
    remedy="use whole Mi, Gi or Ti, such as '10Gi'",
)
"""A resource quantity (Kubernetes: Quantity)."""

SYSTEM = "system"
_CERTIFICATE = r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*"
CERTIFICATES = Rule(
    pattern=rf"{SYSTEM}|(?:{_CERTIFICATE})+",
    check=_are_certificates,
    cause="is neither a certificate in PEM nor the word system",
    remedy="use what is between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----, both lines included",
)
"""One or several, as in a CA bundle; `system` stands for those that a machine trusts anyway."""

PROXY_URL = Rule(
    pattern=rf"(?:https?|socks5)://{HOST_AND_PORT}/?",
    cause="is not the URL of a proxy",
    remedy="use http://, https:// or socks5:// with a host and a port, such as 'socks5://10.0.0.1:1080', and no login",
)
"""Of a kubeconfig (client-go: clientcmd, proxy-url)."""
