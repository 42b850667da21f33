"""A stack's resources as a picture."""

import json
import re
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from ops.graph import draw

SVG = "{http://www.w3.org/2000/svg}"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::gitlab-deploy::{type_}::{name}"


STACK = urn("pulumi:pulumi:Stack", "gitlab-deploy-prod")
ACCESS = urn("gitlab-deploy:index:DeployAccess", "access")
APP = urn("gitlab-deploy:index:KubernetesApp", "app")
NAMESPACE = urn("kubernetes:core/v1:Namespace", "access-namespace")


def resource(type_: str, name: str, parent: str = STACK, **more: Any) -> dict[str, Any]:
    custom = not type_.startswith("gitlab-deploy:")
    return {"urn": urn(type_, name), "type": type_, "custom": custom, "parent": parent} | more


STATE = [
    {"urn": STACK, "type": "pulumi:pulumi:Stack", "custom": False, "outputs": {"secret": "canary"}},
    resource("pulumi:providers:kubernetes", "cluster"),
    resource("gitlab-deploy:index:DeployAccess", "access"),
    resource("kubernetes:core/v1:Namespace", "access-namespace", ACCESS),
    resource("gitlab-deploy:index:KubernetesApp", "app"),
    resource("kubernetes:apps/v1:Deployment", "app-deployment", APP, dependencies=[NAMESPACE], inputs={"x": "canary"}),
    resource("kubernetes:core/v1:Service", "app-service", APP, propertyDependencies={"metadata": [NAMESPACE]}),
    resource("kubernetes:core/v1:Service", "app-service", APP, delete=True),
]


def drawn(*resources: dict[str, Any]) -> tuple[str, Element]:
    text = draw(json.dumps({"deployment": {"resources": resources}}))
    return text, fromstring(text)  # noqa: S314 - of our own making


def test_each_component_is_a_box_with_its_resources_and_no_value() -> None:
    text, picture = drawn(*STATE)
    assert ["".join(item.itertext()) for item in picture.iter(f"{SVG}text")] == [
        "access",
        "DeployAccess",
        "Namespace access-namespace",
        "app",
        "KubernetesApp",
        "Deployment app-deployment",
        "Service app-service",
    ]
    assert "canary" not in text


def test_a_box_is_right_of_what_it_waits_for_with_one_line_between_them() -> None:
    _, picture = drawn(*STATE)
    access, app = (int(box.attrib["x"]) for box in picture.iter(f"{SVG}rect"))
    assert access < app
    (line,) = picture.iter(f"{SVG}path")
    start, end = (int(number) for number in re.findall(r"[MC ](\d+) \d+", line.attrib["d"])[::3])
    assert access < start < end == app


def test_everything_is_within_the_picture() -> None:
    _, picture = drawn(*STATE)
    width, height = (int(picture.attrib[key]) for key in ("width", "height"))
    for box in picture.iter(f"{SVG}rect"):
        x, y, wide, high = (int(box.attrib[key]) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height


def test_components_that_wait_for_each_other_are_drawn_too() -> None:
    deployment = urn("kubernetes:apps/v1:Deployment", "app-deployment")
    _, picture = drawn(*STATE, resource("kubernetes:core/v1:Secret", "late", ACCESS, dependencies=[deployment]))
    assert len(list(picture.iter(f"{SVG}path"))) == 2


def test_a_stack_without_resources_is_an_empty_picture() -> None:
    _, picture = drawn()
    assert list(picture.iter(f"{SVG}rect")) == []


def test_a_name_of_others_is_text() -> None:
    text, _ = drawn(resource("kubernetes:core/v1:Secret", "<script>alert(1)</script>"))
    assert "<script" not in text
