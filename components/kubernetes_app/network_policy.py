"""The NetworkPolicy of an application: who may connect to its Pods, and what they may connect to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.settings import kubernetes_rules

if TYPE_CHECKING:
    import pulumi_kubernetes as kubernetes

    from components.kubernetes_app.args import KubernetesAppArgs

# What no address of the internet is in: private networks, those of providers, and the metadata of cloud machines.
_NOT_PUBLIC = {
    "0.0.0.0/0": ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
    "::/0": ["fc00::/7", "fe80::/10"],
}


def network_policy(
    selector: Mapping[str, str], args: KubernetesAppArgs
) -> kubernetes.networking.v1.NetworkPolicySpecArgsDict:
    """In comes what is for the port, and out goes what is for DNS, `egress` and `reaches`."""
    dns: kubernetes.networking.v1.NetworkPolicyEgressRuleArgsDict = {
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    }
    return {
        "pod_selector": {"match_labels": selector},
        "policy_types": ["Ingress", "Egress"],
        "ingress": [] if args.app.worker else [{"ports": [{"protocol": "TCP", "port": args.app.serves}]}],
        "egress": [
            dns,
            *({"to": _blocks(place)} for place in args.target.egress),
            *(
                {"to": [{"pod_selector": {"match_labels": {"app.kubernetes.io/name": name}}}]}
                for name in args.target.reaches
            ),
        ],
    }


def _blocks(place: str) -> list[kubernetes.networking.v1.NetworkPolicyPeerArgsDict]:
    if place == kubernetes_rules.INTERNET:
        return [{"ip_block": {"cidr": everywhere, "except_": inside}} for everywhere, inside in _NOT_PUBLIC.items()]
    return [{"ip_block": {"cidr": place}}]
