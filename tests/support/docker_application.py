"""An application on a Docker host that a test declares, with fields of it changed."""

from dataclasses import replace
from typing import Any

from components.docker_app.args import DockerAppArgs
from components.docker_app.docker_app import DockerApp
from components.image.reference import ImageReference
from components.settings.app import App, Health
from components.settings.docker_host import DockerHost
from tests.support.docker_double import HOST_KEY, DockerDouble
from tests.support.recorder import Recorder, deploy

OUTPUTS = {"docker:index/remoteImage:RemoteImage": {"imageId": "sha256:1"}}
TARGET = DockerHost(address="ssh://deploy@host", host_key=HOST_KEY, name="web-prod", host="blog.example.org")
ARGS = DockerAppArgs(
    app=App(port=8080, health=Health(command=("wget", "-q", "http://127.0.0.1:8080/")), secrets={"PASSWORD": "canary"}),
    target=TARGET,
    remote=DockerDouble(),
    owner="gitlab-deploy/prod/web-prod",
    identity="own-id",
    kept_identity="own-id",
    image=ImageReference.parse("registry.example.com/group/blog:1.0.0"),
)


def declare(**changes: Any) -> Recorder:
    """Declares ARGS, with fields of it or of its blocks changed."""
    blocks: dict[str, Any] = {}
    for part in ("app", "target"):
        fields = {name: changes.pop(name) for name in list(changes) if hasattr(getattr(ARGS, part), name)}
        blocks[part] = replace(getattr(ARGS, part), **fields)
    return deploy(lambda: DockerApp("app", replace(ARGS, **blocks, **changes)).container, OUTPUTS)
