"""What a stack file is made of: its blocks, and the rules between them. Pure: no Pulumi here."""

from collections.abc import Mapping

from components.settings.access import Access
from components.settings.app import App
from components.settings.block import Block
from components.settings.conditions import Condition, all_of, any_of, equals, given, matches, negation, same
from components.settings.docker_host import DockerHost
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
_TARGETS = any_of(given("kubernetes"), given("dockerHost"))
_IN_PREVIEW = r"preview/.*|(?!\*$)(?:p(?:r(?:e(?:v(?:i(?:e(?:w/?)?)?)?)?)?)?)?\*.*"
"""Scopes that hold environments of `preview/*`, but for `*`: GitLab takes the variable of any other scope first."""

CONDITIONS = (
    Condition(
        when=negation(any_of(*map(given, BLOCKS))),
        then="required",
        path="access",
        cause="is missing, as is every other block, so there is nothing to deploy",
        remedy=f"add one of: {', '.join(BLOCKS)}",
    ),
    Condition(
        when=negation(_TARGETS),
        then="refused",
        path="app",
        cause="says what runs, and no block says where",
        remedy="add the block kubernetes or dockerHost",
    ),
    *(
        Condition(
            when=negation(given("app")),
            then="refused",
            path=target,
            cause="says where the application runs, and no block says what it is",
            remedy="add the block app",
        )
        for target in ("kubernetes", "dockerHost")
    ),
    Condition(
        when=any_of(given("access"), given("kubernetes")),
        then="required",
        path="cluster",
        cause="is missing",
        remedy="name the cluster once, such as 'production' (another name later replaces every object)",
    ),
    *(
        Condition(
            when=when,
            then="required",
            path="gitlabProject",
            cause=f"is missing, and the block {block} needs it",
            remedy="set it with 'pulumi config set'",
        )
        for when, block in (
            (given("access"), "access"),
            (all_of(given("registry"), negation(given("access"))), "registry"),
        )
    ),
    Condition(
        when=all_of(given("access"), given("kubernetes")),
        then="refused",
        path="kubernetes.namespace",
        cause="is the namespace of the block access",
        remedy="take it out here",
    ),
    Condition(
        when=all_of(negation(given("access")), given("kubernetes")),
        then="required",
        path="kubernetes.namespace",
        cause="is missing, and no block access has one",
        remedy="name the namespace the application runs in",
    ),
    Condition(
        when=given("registry"),
        then="refused",
        path="kubernetes.pullSecret",
        cause="is made by the block registry",
        remedy="take it out here",
    ),
    Condition(
        when=all_of(
            equals("access.preview", True),
            any_of(negation(given("access.previewProject")), same("access.previewProject", "gitlabProject")),
            matches("access.environment", _IN_PREVIEW),
        ),
        then="refused",
        path="access.environment",
        cause="holds environments of 'preview/*', whose jobs get the credential of previews",
        remedy="name one that does not start with 'preview/', or take out access.preview",
    ),
)
"""Between blocks, and keys that are no block."""
