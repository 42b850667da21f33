import pytest

from components.image.reference import ImageReference
from components.source.placeholder import is_stack_image, unquoted

_IMAGE = ImageReference.parse("registry.example.com/group/blog:1.0.0")


@pytest.mark.parametrize(
    "text",
    [
        "IMAGE",
        "$IMAGE",
        "${IMAGE}",
        "registry.example.com/group/blog",
        "registry.example.com/group/blog:latest",
        f"registry.example.com/group/blog@sha256:{64 * 'a'}",
    ],
)
def test_a_placeholder_and_an_image_of_the_same_repository_are_the_stacks(text: str) -> None:
    assert is_stack_image(text, _IMAGE)


@pytest.mark.parametrize("text", ["registry.example.com/group/blog-worker:1.0.0", "blog", "image", "$OTHER", "", "a b"])
def test_any_other_image_is_the_files_own(text: str) -> None:
    assert not is_stack_image(text, _IMAGE)


@pytest.mark.parametrize("text", ["redis", "library/redis:7", "docker.io/library/redis:7"])
def test_docker_hub_is_the_registry_of_a_name_without_one(text: str) -> None:
    assert is_stack_image(text, ImageReference.parse("redis:8"))


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("  image: {{IMAGE}}", "{{IMAGE}}"),
        ("- image: {{ image }}:{{ tag }} # by jinja", "{{ image }}:{{ tag }}"),
        ("- {image: %IMAGE%, name: a}", "%IMAGE%"),
        ("'image' : @project.image@", "@project.image@"),
        ("image: {{ .Values.image }}", None),
        ("image: {{ tag }}:{{ .Values.image }}", None),
        ('image: "%IMAGE%"', None),
        ("image: registry/%IMAGE%", None),
        ("my-image: %IMAGE%", None),
        ("name: %IMAGE%", None),
        (f"image: {'%a' * 50_000}{{", None),
        (f"image: {{{{a}}}}{'{{a}}' * 20_000}{{", None),
    ],
)
def test_an_image_that_starts_with_a_placeholder_is_found_in_its_line(line: str, image: str | None) -> None:
    assert unquoted(line) == image
