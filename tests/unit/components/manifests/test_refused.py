import pytest

from components.manifests.manifest import Manifest
from components.manifests.refused import explanation
from components.source.yaml_file import documents

TEXT = """\
apiVersion: example.com/v1
kind: Site
metadata:
  name: web
  labels:
    version: "1"
spec:
  ports:
    - port: 80
      protocol: TCP
    - port: "443"
      protocol: TCP
  rules:
    - host: APP
"""
[DOCUMENT] = documents(TEXT, "site.yml", "yaml 1.1")
SITE = Manifest(body=DOCUMENT.value, document=DOCUMENT)
TYPED = "failed to create typed patch object (example/web; example.com/v1, Kind=Site): "


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            f"{TYPED}.metadata.labels.version: expected string, got &value.valueUnstructured{{Value:1}}",
            ["site.yml:6: the cluster does not take metadata.labels.version: expected string"],
        ),
        (
            f'{TYPED}.spec.ports[port="443",protocol="TCP"].port: expected numeric (int or float), got string',
            [
                'site.yml:11: the cluster does not take spec.ports[port="443",protocol="TCP"].port: expected numeric '
                "(int or float), got string"
            ],
        ),
        (
            f"{TYPED}errors:\n  .spec.ports: duplicate entries for key [port=80]\n  .spec.colour: field not declared",
            [
                "site.yml:8: the cluster does not take spec.ports: duplicate entries for key [port=80]",
                "site.yml:7: the cluster does not take spec.colour: field not declared",
            ],
        ),
        (
            'Site.example.com "web" is invalid: [spec.rules[0].host: Invalid value: "APP": a lowercase name, '
            "spec.ports[1].port: Required value]",
            [
                'site.yml:14: the cluster does not take spec.rules[0].host: Invalid value: "APP": a lowercase name',
                "site.yml:11: the cluster does not take spec.ports[1].port: Required value",
            ],
        ),
        (
            'sites.example.com "web" is forbidden: User "system:serviceaccount:example:gitlab" cannot patch resource '
            '"sites" in API group "example.com" in the namespace "example"',
            [
                "site.yml:1: system:serviceaccount:example:gitlab may not patch a Site; have whoever owns the cluster "
                "give it that right in the namespace, or take the document out"
            ],
        ),
        (
            'no matches for kind "Site" in version "example.com/v1"',
            [
                "site.yml:1: the cluster has no kind Site in example.com/v1; have whoever owns it install what defines "
                "it, or correct the apiVersion"
            ],
        ),
        ("context deadline exceeded", ["site.yml:1: the cluster does not take this Site as it is"]),
    ],
)
def test_what_the_cluster_refuses_is_said_with_the_line_of_the_value(error: str, expected: list[str]) -> None:
    assert explanation(error, SITE).splitlines() == expected
