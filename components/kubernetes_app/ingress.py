"""The Ingress of an application: the hosts and paths that lead to its Service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi_kubernetes as kubernetes

    from components.settings.kubernetes import Kubernetes


def ingress(host: str, target: Kubernetes) -> kubernetes.networking.v1.IngressSpecArgsDict:
    """Every host with every path."""
    hosts = list(dict.fromkeys([host, *target.hosts]))
    return {
        "rules": [
            {
                "host": one,
                "http": {
                    "paths": [
                        {
                            "path": path,
                            "path_type": "Prefix",
                            "backend": {"service": {"name": target.name, "port": {"name": "http"}}},
                        }
                        for path in target.paths
                    ]
                },
            }
            for one in hosts
        ],
        **({"ingress_class_name": target.ingress_class} if target.ingress_class else {}),
        **({"tls": [{"hosts": hosts, "secret_name": target.tls_secret}]} if target.tls_secret else {}),
    }
