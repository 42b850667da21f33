"""The stack's outputs: what `__main__` exports, the next run starts from, and `python -m ops` reads. Pure.

`Text` is the type of a text: `pulumi.Input[str]` in the program that exports it, `str` once it is read. What is None
may be missing in a state.
"""

from typing import Generic, NotRequired, TypedDict, TypeVar

Text = TypeVar("Text")


class PreviewOutput(TypedDict):
    """Where the read-only credential of merge requests is."""

    gitlabProject: str
    environment: str
    """Environment scope of its variables."""


class AccessOutput(TypedDict, Generic[Text]):
    """`access`: the namespace, and where in GitLab its credential is."""

    namespace: Text
    gitlabUrl: str
    gitlabProject: str
    environment: str
    """Environment scope of the variables."""
    variable: str
    """Form of the variable KUBECONFIG: `file` or `base64`."""
    protected: bool
    preview: NotRequired[PreviewOutput]
    """There is none without a read-only credential."""


class ClusterOutput(TypedDict, Generic[Text]):
    """`cluster`: the cluster on which the stack was put up, so that another one is noticed."""

    name: str
    """`gitlab-deploy:cluster`."""
    server: str
    """Address of its API server when the stack was put up."""
    uid: str | None
    """Uid of the Namespace kube-system; None if no credential so far may read it."""
    namespaceUid: Text | None
    """Uid of the stack's own namespace."""


class AppOutput(TypedDict, Generic[Text]):
    """`app`: the application on Kubernetes, once its rollout is complete."""

    namespace: Text
    worker: NotRequired[Text]
    """Name of the Deployment, if it is a worker, which has no Service."""
    image: Text
    service: NotRequired[Text]
    """Name of the Service that leads to it."""


class DockerHostOutput(TypedDict, Generic[Text]):
    """`dockerHost`: the application on a Docker host, once its container is healthy."""

    address: str
    hostKey: str
    identityFile: NotRequired[str | None]
    image: str
    host: NotRequired[str | None]
    """Host name of its route."""
    tls: NotRequired[bool]
    """Whether the route takes requests over TLS; it does if this is missing."""
    container: Text
    """Name of the container."""
    id: Text
    """Id of the container."""


class SwapOutput(TypedDict):
    """`swaps`: what the next run has to know of a container behind a reverse proxy.

    A secret output, so that no run prints it; the digest is of secrets too.
    """

    container: str
    """Name of the container."""
    digest: str
    """Of all that it is made of."""
    number: int
    """How many containers of the application were there before it."""
    token: str
    """Part of its names at the proxy."""
    before: str
    """The token of the container before it; empty if there was none."""


class ComposeServiceOutput(TypedDict, Generic[Text]):
    """A service of a compose project."""

    container: Text
    """Name of the container."""
    id: Text
    """Id of the container."""
    image: str
    completes: bool
    """Whether it may be over, such as a migration: it is not started again."""
    probe: NotRequired[Text | None]
    """How it is seen that it can serve, if the file has no health check (see compose/probe)."""


class ComposeOutput(TypedDict, Generic[Text]):
    """`compose`: the services of a compose project on a Docker host, once each does what others wait for."""

    address: str
    hostKey: str
    identityFile: NotRequired[str | None]
    api: NotRequired[str | None]
    """Version of the host's Engine API; missing if no run has asked for it."""
    project: str
    image: str
    """The stack's image."""
    hosts: list[str]
    """Host names that lead to the services with the stack's image."""
    paths: dict[str, str]
    """A path of each of them that does."""
    plain: list[str]
    """Those whose labels do not say that it takes TLS."""
    services: dict[str, ComposeServiceOutput[Text]]
    volumes: list[str]
    """Names of its volumes."""


class PipelineOutput(TypedDict):
    """The pipeline whose job deployed."""

    project: int
    """Id of its project."""
    iid: int
    url: str


class DeploymentOutput(TypedDict):
    """`deployment`: what runs. It changes only if the image does."""

    image: str
    commit: NotRequired[str | None]
    pipeline: NotRequired[PipelineOutput | None]
    """None if a developer deployed."""
    rolledBack: bool


class ReleaseOutput(TypedDict):
    """An image that was replaced."""

    image: str
    pipeline: NotRequired[PipelineOutput | None]
    """That has deployed it; None if a developer did."""


class HistoryOutput(TypedDict):
    """`deploymentHistory`: what was deployed before. A secret output, so that no run prints it; it holds no secret."""

    before: list[ReleaseOutput]
    """Images that were replaced, the last one at the end."""
    older: str
    """Marks of the images before those."""
    newest: dict[str, int]
    """The newest pipeline that has deployed, by the id of its project."""


class AddressesOutput(TypedDict):
    """`addresses`: the URLs that lead to the application, as the stack declares them."""

    kubernetes: NotRequired[list[str]]
    """Through its Ingress."""
    dockerHost: NotRequired[list[str]]
    """Through the reverse proxy of the Docker host."""


class StackOutputs(TypedDict, Generic[Text]):
    """All of them; an output is there if the stack has its part."""

    identity: NotRequired[Text]
    """The stack's own id, made by its first run."""
    access: NotRequired[AccessOutput[Text]]
    cluster: NotRequired[ClusterOutput[Text]]
    app: NotRequired[AppOutput[Text]]
    dockerHost: NotRequired[DockerHostOutput[Text]]
    compose: NotRequired[ComposeOutput[Text]]
    swaps: NotRequired[dict[str, SwapOutput]]
    """By the name of the component."""
    addresses: NotRequired[AddressesOutput]
    deployment: NotRequired[DeploymentOutput]
    deploymentHistory: NotRequired[HistoryOutput]
