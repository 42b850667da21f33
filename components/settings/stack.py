"""What a stack file is made of: its blocks, and the rules between them. Pure: no Pulumi here."""

from collections.abc import Mapping

from components.settings.access import Access
from components.settings.app import App
from components.settings.block import Block
from components.settings.conditions import (
    Condition,
    all_of,
    any_of,
    equals,
    given,
    is_block,
    matches,
    negation,
    overlap,
    same,
)
from components.settings.docker_host import DockerHost
from components.settings.key import keys_of
from components.settings.kubernetes import Kubernetes
from components.settings.registry import Registry

PROJECT = "gitlab-deploy"
"""Name of the project, and namespace of its keys."""
BLOCKS: Mapping[str, type[Block]] = {
    "access": Access,
    "registry": Registry,
    "app": App,
    "kubernetes": Kubernetes,
    "dockerHost": DockerHost,
}


def own(name: str) -> str:
    """The full name of a key of this project."""
    return f"{PROJECT}:{name}"


_ACCESS, _REGISTRY, _APP, _KUBERNETES, _DOCKER_HOST = map(own, BLOCKS)
_MANIFESTS = f"{_KUBERNETES}.manifests"
_WORKER = equals(f"{_APP}.worker", True)
_PROBES = ("startup", "liveness")
_COMPOSE = f"{_DOCKER_HOST}.compose"
_MAKES_APP = any_of(
    all_of(given(_KUBERNETES), negation(given(_MANIFESTS))), all_of(given(_DOCKER_HOST), negation(given(_COMPOSE)))
)
"""Whether a block makes the application of the block app."""
_WITH_COMPOSE = ("address", "hostKey", "identityFile", "proxy", "waitSeconds", "compose", "project")
"""The keys of the block `dockerHost` that mean the same with compose files."""
_TARGETS = any_of(given(_KUBERNETES), given(_DOCKER_HOST))
_WITH_MANIFESTS = ("namespace", "manifests", "secrets", "pullSecret", "pullSecrets", "waitSeconds", "graceSeconds")
"""Keys of the block `kubernetes` that mean the same with manifests; the others say what it makes of `app`."""
_IN_PREVIEW = r"preview/.*|(?!\*$)(?:p(?:r(?:e(?:v(?:i(?:e(?:w/?)?)?)?)?)?)?)?\*.*"
"""Scopes that hold environments of `preview/*`, but for `*`: GitLab takes the variable of any other scope first."""

CONDITIONS = (
    Condition(
        when=negation(any_of(*map(given, map(own, BLOCKS)))),
        then="required",
        path=_ACCESS,
        cause="is missing, as is every other block, so there is nothing to deploy",
        remedy=f"add one of: {', '.join(BLOCKS)}",
    ),
    Condition(
        when=negation(_TARGETS),
        then="refused",
        path=_APP,
        cause="says what runs, and no block says where",
        remedy="add the block kubernetes or dockerHost",
    ),
    Condition(
        when=all_of(given(_MANIFESTS), negation(given(_DOCKER_HOST))),
        then="refused",
        path=_APP,
        cause="says what runs, and so do kubernetes.manifests",
        remedy="take one of the two out",
    ),
    *(
        Condition(
            when=all_of(negation(given(_APP)), without),
            then="refused",
            path=target,
            cause="says where the application runs, and nothing says what it is",
            remedy=f"add the block app{other}",
        )
        for target, without, other in (
            (_KUBERNETES, negation(given(_MANIFESTS)), ", or kubernetes.manifests"),
            (_DOCKER_HOST, negation(given(_COMPOSE)), ", or dockerHost.compose"),
        )
    ),
    Condition(
        when=all_of(is_block(_APP), _MAKES_APP, negation(_WORKER)),
        then="required",
        path=f"{_APP}.port",
        cause="is missing",
        remedy="name the port the container listens on, or set worker to true if it listens on none",
    ),
    *(
        Condition(
            when=all_of(given(_COMPOSE), negation(_MAKES_APP)),
            then="refused",
            path=f"{_APP}.{key.name}",
            cause="says what runs, and so does dockerHost.compose",
            remedy="take it out; with compose files, app has env and secrets",
        )
        for key in keys_of(App)
        if key.name not in {"env", "secrets"}
    ),
    *(
        Condition(
            when=given(_COMPOSE),
            then="refused",
            path=f"{_DOCKER_HOST}.{key.name}",
            cause="is of the container that the block makes itself, and dockerHost.compose has its own",
            remedy="take it out here, and write it into the compose file",
        )
        for key in keys_of(DockerHost)
        if key.name not in _WITH_COMPOSE
    ),
    Condition(
        when=negation(given(_COMPOSE)),
        then="refused",
        path=f"{_DOCKER_HOST}.project",
        cause="is the name of a compose project",
        remedy="add dockerHost.compose or take this out",
    ),
    *(
        Condition(
            when=given(_MANIFESTS),
            then="refused",
            path=f"{_KUBERNETES}.{key.name}",
            cause="is of the objects that the block makes itself, and kubernetes.manifests has its own",
            remedy="take it out here, and write it into the manifests",
        )
        for key in keys_of(Kubernetes)
        if key.name not in _WITH_MANIFESTS
    ),
    Condition(
        when=negation(given(_MANIFESTS)),
        then="refused",
        path=f"{_KUBERNETES}.secrets",
        cause="is for manifests, which name their Secrets",
        remedy="use app.secrets",
    ),
    Condition(
        when=any_of(given(_ACCESS), given(_KUBERNETES)),
        then="required",
        path=own("cluster"),
        cause="is missing",
        remedy="name the cluster once, such as 'production' (another name later replaces every object)",
    ),
    *(
        Condition(
            when=when,
            then="required",
            path=own("gitlabProject"),
            cause=f"is missing, and the block {block} needs it",
            remedy="set it with 'pulumi config set'",
        )
        for when, block in (
            (given(_ACCESS), "access"),
            (
                all_of(given(_REGISTRY), negation(given(_ACCESS)), negation(given(f"{_REGISTRY}.username"))),
                "registry",
            ),
        )
    ),
    Condition(
        when=all_of(given(_ACCESS), given(_KUBERNETES)),
        then="refused",
        path=f"{_KUBERNETES}.namespace",
        cause="is the namespace of the block access",
        remedy="take it out here",
    ),
    Condition(
        when=all_of(negation(given(_ACCESS)), given(_KUBERNETES)),
        then="required",
        path=f"{_KUBERNETES}.namespace",
        cause="is missing, and no block access has one",
        remedy="name the namespace the application runs in",
    ),
    Condition(
        when=given(_REGISTRY),
        then="refused",
        path=f"{_KUBERNETES}.pullSecret",
        cause="is made by the block registry",
        remedy="take it out here",
    ),
    *(
        Condition(
            when=overlap(f"{_APP}.{variables}", f"{_KUBERNETES}.secretKeys"),
            then="refused",
            path=f"{_KUBERNETES}.secretKeys",
            cause=f"has a name that app.{variables} has too",
            remedy="keep it in one of the two",
        )
        for variables in ("env", "secrets")
    ),
    *(
        Condition(
            when=_WORKER,
            then="refused",
            path=path,
            cause="leads to the application, and a worker listens on no port",
            remedy="take it out, or take out app.worker",
        )
        for path in (f"{_KUBERNETES}.host", f"{_DOCKER_HOST}.host", f"{_DOCKER_HOST}.publish")
    ),
    *(
        Condition(
            when=_WORKER,
            then="refused",
            path=f"{_KUBERNETES}.{probe}.path",
            cause="is of what serves, and a worker does not",
            remedy="use a command",
        )
        for probe in _PROBES
    ),
    *(
        Condition(
            when=all_of(_WORKER, given(f"{_KUBERNETES}.{probe}"), negation(given(f"{_APP}.health.command"))),
            then="required",
            path=f"{_KUBERNETES}.{probe}.command",
            cause="is missing, and app.health has none either",
            remedy="name a command that succeeds in a container that is as it should be",
        )
        for probe in _PROBES
    ),
    Condition(
        when=all_of(_WORKER, given(_DOCKER_HOST)),
        then="required",
        path=f"{_APP}.health.command",
        cause="is missing, and Docker sees nothing else of a worker",
        remedy="name a command that succeeds in a container that is as it should be",
    ),
    Condition(
        when=all_of(
            equals(f"{_KUBERNETES}.runAsRoot", True),
            given(_ACCESS),
            negation(equals(f"{_ACCESS}.createNamespace", False)),
            negation(any_of(*(equals(f"{_ACCESS}.podSecurity", level) for level in ("baseline", "privileged")))),
        ),
        then="refused",
        path=f"{_KUBERNETES}.runAsRoot",
        cause="needs a namespace of Pod Security 'baseline', and that of access is 'restricted'",
        remedy="set access.podSecurity to baseline, or let the image run as another user by kubernetes.runAsUser",
    ),
    Condition(
        when=all_of(
            equals(f"{_ACCESS}.preview", True),
            any_of(
                negation(given(f"{_ACCESS}.previewProject")), same(f"{_ACCESS}.previewProject", own("gitlabProject"))
            ),
            matches(f"{_ACCESS}.environment", _IN_PREVIEW),
        ),
        then="refused",
        path=f"{_ACCESS}.environment",
        cause="holds environments of 'preview/*', whose jobs get the credential of previews",
        remedy="name one that does not start with 'preview/', or take out access.preview",
    ),
)
"""Between blocks, and keys that are no block."""
