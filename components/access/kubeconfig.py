"""The kubeconfig that is given to GitLab CI. Pure: no Pulumi here."""

import base64
import json

KUBECONFIG = "KUBECONFIG"
"""Key of the GitLab variable with the kubeconfig."""
TOKEN = "KUBE_TOKEN"  # noqa: S105 - the variable's key
"""Key of the one with the bare token."""


def render(
    *,
    cluster: str,
    server: str,
    certificate_authority_data: str | None,
    namespace: str,
    user: str,
    token: str,
    tls_server_name: str | None = None,
    proxy_url: str | None = None,
) -> str:
    """A kubeconfig for one ServiceAccount in one namespace, as one line of JSON with no white space.

    JSON is YAML, so kubectl and Pulumi read it; with no white space in it GitLab can mask it (see masking).
    `certificate_authority_data` is base64 of the PEM, as in the token Secret's `ca.crt`, or None for the authorities
    that the reader's machine trusts; `token` is the bare token.
    Values are names, a URL, base64 and a JWT, none of which holds white space.
    """
    reached = {
        "server": server,
        "certificate-authority-data": certificate_authority_data,
        "tls-server-name": tls_server_name,
        "proxy-url": proxy_url,
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {key: value for key, value in reached.items() if value is not None}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "namespace": namespace, "user": user}}],
        "current-context": cluster,
    }
    return json.dumps(config, separators=(",", ":"))


def to_base64(kubeconfig: str) -> str:
    """What `base64 -w0` gives: one line, no line break at its end."""
    return base64.b64encode(kubeconfig.encode()).decode()
