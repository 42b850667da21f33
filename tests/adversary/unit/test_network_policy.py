"""What a Pod of the application reaches: what the NetworkPolicy that is declared says of an address."""

from ipaddress import ip_address, ip_network

from components.image.reference import ImageReference
from components.kubernetes_app.args import KubernetesAppArgs
from components.kubernetes_app.network_policy import network_policy
from components.settings.app import App
from components.settings.kubernetes import Kubernetes

IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")


def test_internet_is_every_public_address_and_nothing_of_the_cluster() -> None:
    target = Kubernetes(egress=("internet",))
    args = KubernetesAppArgs(app=App(port=8080), target=target, namespace="example", image=IMAGE)
    _, internet = network_policy({"app": "web"}, args)["egress"]
    blocks = [peer["ip_block"] for peer in internet["to"]]

    def open_to(address: str) -> bool:
        found = ip_address(address)
        return any(
            found in ip_network(block["cidr"]) and not any(found in ip_network(inside) for inside in block["except_"])
            for block in blocks
        )

    assert all(map(open_to, ("1.1.1.1", "93.184.216.34", "2606:4700::1111")))
    inside = (
        "10.96.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "fd00::1",
        "fe80::1",
        "fd00:ec2::254",
    )
    assert not any(map(open_to, inside))
