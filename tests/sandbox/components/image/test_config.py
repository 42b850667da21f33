"""What an image says of itself, read from a real registry."""

from components.image import config
from components.image.config import ImageConfig
from components.image.reference import ImageReference
from sandbox.toolchain.images import File, build
from tests.support.registry import Registry


def test_user_and_ports_of_an_image_are_read_from_its_registry(registry: Registry) -> None:
    for tag, lines, expected in (
        ("plain", "", ImageConfig(user="", ports=frozenset())),
        ("user", "USER 1000:1000\nEXPOSE 8080\n", ImageConfig(user="1000", ports=frozenset({8080}))),
    ):
        made = build(f"FROM scratch\nCOPY hello /srv/\n{lines}", {"hello": File(b"hello\n")})
        made.push(registry.address, f"group/config:{tag}")
        reference = ImageReference.parse(f"{registry.address}/group/config:{tag}")
        assert config.read(reference, {"HOME": "/nowhere"}) == expected
        assert config.read(ImageReference.parse(f"{reference}@{made.digest}"), {"HOME": "/nowhere"}) == expected
