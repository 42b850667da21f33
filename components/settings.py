"""The stack file as typed settings: the only reader of Pulumi's configuration.

Every problem of a stack file is found before any resource is registered, and all are reported at once, each with its
path, the value and the remedy.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import pulumi
from pulumi.runtime import config as pulumi_config

from components import rules
from components.block import Block, Problems, read_blocks
from components.deploy_access import DeployAccessArgs
from components.image import image_reference
from components.web_app import WebAppArgs

PROJECT = "gitlab-deploy"
SCALARS = ("cluster", "gitlabProject", "gitlabToken", "gitlabUrl", "image")
BLOCKS = ("access", "app")
VARIABLE_FORMS = ("file", "base64")


@dataclass(frozen=True, kw_only=True)
class Access:
    """The block `access`: a robot account in a namespace, and the GitLab variables that hold its credential."""

    deploy: DeployAccessArgs
    """Namespace, ServiceAccount, token and RoleBinding."""
    environment: str
    """Environment scope of the GitLab variables; `*` is every job."""
    variable: Literal["file", "base64"]
    """Form of the KUBECONFIG variable: `file` or `base64`."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's settings. A block that is None is not managed by this stack."""

    cluster: str
    """The name given to the cluster, by which the provider knows it whatever its address; empty without Kubernetes."""
    gitlab_url: str
    """The GitLab instance, such as `https://gitlab.com`, with no path of the API."""
    gitlab_project: str
    """Full path or id of the GitLab project; empty where no block needs it."""
    gitlab_token: pulumi.Output[str] | None
    """The token for GitLab's API (secret); None leaves it to the environment variable GITLAB_TOKEN."""
    access: Access | None
    app: WebAppArgs | None


def load() -> Settings:
    """The settings of the running stack; RunError, which Pulumi shows with no traceback, lists every problem."""
    config = pulumi.Config()
    values = {str(key): str(value) for key, value in pulumi_config.CONFIG.get().items()}
    secrets = [key for key in values if pulumi_config.is_config_secret(key)]
    token = config.get_secret("gitlabToken") if config.get("gitlabToken") else None
    settings, problems = parse(values, secrets, token)
    if settings is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise pulumi.RunError(f"Pulumi.{pulumi.get_stack()}.yaml has {count}; nothing was changed:{lines}")
    return settings


def parse(
    values: Mapping[str, str], secrets: Collection[str] = (), token: pulumi.Output[str] | None = None
) -> tuple[Settings | None, list[str]]:
    """Settings from configuration as the engine hands it over, or None with every problem found.

    `values` maps full keys (`gitlab-deploy:image`) to text, which is JSON where the stack file has a block; `secrets`
    are the keys that hold something encrypted; `token` is the GitLab token, whose text is never looked at here.
    """
    problems = Problems()
    scalars, blocks = read_blocks(problems, values, secrets, PROJECT, SCALARS, BLOCKS)
    path = f"{PROJECT}:gitlabToken"
    if scalars.get("gitlabToken") and path not in secrets:
        problems.add(path, f"is in plain text; revoke that token, and set one with 'pulumi config set --secret {path}'")

    access, app = blocks.get("access"), blocks.get("app")
    cluster = scalars.get("cluster", "")
    if (access or app) and not cluster:
        problems.add(
            f"{PROJECT}:cluster",
            "is missing; name the cluster once, such as 'production' (another name later replaces every object)",
        )
    elif cluster:
        problems.check(f"{PROJECT}:cluster", cluster, rules.dns_subdomain)
    settings = Settings(
        cluster=cluster,
        gitlab_url=_scalar(problems, scalars, "gitlabUrl", rules.gitlab_url, needed=None).rstrip("/"),
        gitlab_project=_scalar(
            problems, scalars, "gitlabProject", rules.gitlab_project, needed="access" if access else None
        ),
        gitlab_token=token,
        access=_access(problems, access, cluster) if access else None,
        app=_app(problems, app, scalars, access) if app else None,
    )
    if not problems and not access and not app:
        problems.add(PROJECT, f"holds no block, so there is nothing to deploy; add one of: {', '.join(BLOCKS)}")
    return (None, list(problems)) if problems else (settings, [])


def _scalar(problems: Problems, scalars: Mapping[str, str], key: str, rule: rules.Rule, *, needed: str | None) -> str:
    value = scalars.get(key, "")
    if value:
        problems.check(f"{PROJECT}:{key}", value, rule)
    elif needed:
        problems.add(
            f"{PROJECT}:{key}", f"is missing, and the block {needed} needs it; set it with 'pulumi config set'"
        )
    return value


def _access(problems: Problems, block: Block, cluster: str) -> Access | None:
    namespace = block.text("namespace", rules.namespace)
    service_account = block.text("serviceAccount", rules.dns_subdomain)
    server = block.text("server", rules.server_url)
    rotation = block.text("rotation", rules.rotation, default="1")
    protect = block.boolean("protect", default=True)
    environment = block.text("environment", rules.environment_scope, default="*")
    variable = cast("Literal['file', 'base64']", block.choice("variable", VARIABLE_FORMS, default="file"))
    block.close()
    if problems:
        return None
    deploy = DeployAccessArgs(
        namespace=namespace,
        service_account=service_account,
        cluster=cluster,
        server=server,
        rotation=rotation,
        protect=protect,
    )
    return Access(deploy=deploy, environment=environment, variable=variable)


def _app(problems: Problems, block: Block, scalars: Mapping[str, str], access: Block | None) -> WebAppArgs | None:
    image = _scalar(problems, scalars, "image", image_reference, needed="app")
    if access:
        namespace = access.peek("namespace")
        block.refuse("namespace", "is the namespace of the block access; take it out here")
    else:
        namespace = block.text("namespace", rules.namespace)
    host = block.optional("host", rules.dns_subdomain)
    if not host:
        for key in ("ingressClass", "tlsSecret"):
            block.refuse(
                key, "belongs to an Ingress, which is made only where 'host' is given; add the host or take this out"
            )
    name = block.text("name", rules.service_name, default="web")
    port = block.integer("port", 1, 65535)
    replicas = block.integer("replicas", 1, 1000, default=2)
    health_path = block.text("healthPath", rules.http_path, default="/")
    cpu = block.text("cpu", rules.quantity, default="50m")
    memory = block.text("memory", rules.quantity, default="128Mi")
    ingress_class = block.optional("ingressClass", rules.dns_subdomain) if host else None
    tls_secret = block.optional("tlsSecret", rules.dns_subdomain) if host else None
    env = block.text_map("env", rules.env_name)
    writable = block.texts("writable", rules.mount_path, default=("/tmp",))  # noqa: S108 - a folder of the container
    egress = block.texts("egress", rules.cidr, default=())
    block.close()
    if problems:
        return None
    return WebAppArgs(
        namespace=namespace,
        name=name,
        image=image,
        port=port,
        replicas=replicas,
        health_path=health_path,
        cpu=cpu,
        memory=memory,
        host=host,
        ingress_class=ingress_class,
        tls_secret=tls_secret,
        env=env,
        writable=writable,
        egress=egress,
    )
