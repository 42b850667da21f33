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
from components.docker_app import DockerAppArgs, Publish
from components.docker_host import DockerHost
from components.image import image_reference
from components.pipeline_credential import PipelineCredentialArgs
from components.registry_access import RegistryAccessArgs
from components.web_app import WebAppArgs

PROJECT = "gitlab-deploy"
SCALARS = ("cluster", "gitlabProject", "gitlabToken", "gitlabUrl", "image")
BLOCKS = ("access", "app", "dockerHost", "registry")
MAY_HOLD_SECRETS = ("dockerHost",)
VARIABLE_FORMS = ("file", "base64")


@dataclass(frozen=True, kw_only=True)
class Access:
    """The block `access`: a robot account in a namespace, and the GitLab variables that hold its credential."""

    deploy: DeployAccessArgs
    """Namespace, ServiceAccount, token and RoleBinding."""
    project: str
    """Full path or id of the GitLab project whose jobs get the credential."""
    environment: str
    """Environment scope of the GitLab variables; `*` is every job."""
    variable: Literal["file", "base64"]
    """Form of the KUBECONFIG variable."""

    def credential(self, *, kubeconfig: pulumi.Input[str], token: pulumi.Input[str]) -> PipelineCredentialArgs:
        """The variables, once the credential that they hold is known."""
        return PipelineCredentialArgs(
            project=self.project,
            environment=self.environment,
            variable=self.variable,
            kubeconfig=kubeconfig,
            token=token,
        )

    @property
    def summary(self) -> dict[str, str]:
        """Where the variables are, for the stack's outputs."""
        return {"gitlabProject": self.project, "environment": self.environment, "variable": self.variable}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's settings. A block that is None is not managed by this stack."""

    cluster: str
    """The name given to the cluster, by which the provider knows it whatever its address; empty without Kubernetes."""
    gitlab_url: str
    """The GitLab instance, such as `https://gitlab.com`, with no path of the API."""
    gitlab_token: pulumi.Output[str] | None
    """The token for GitLab's API (secret); None leaves it to the environment variable GITLAB_TOKEN."""
    access: Access | None
    registry: RegistryAccessArgs | None
    app: WebAppArgs | None
    docker_app: DockerAppArgs | None

    @property
    def needs_cluster(self) -> bool:
        """Whether anything of the stack is on Kubernetes."""
        return bool(self.access or self.app)

    @property
    def needs_gitlab(self) -> bool:
        """Whether anything of the stack is in GitLab."""
        return bool(self.access or self.registry)


def load() -> Settings:
    """The settings of the running stack; RunError, which Pulumi shows with no traceback, lists every problem."""
    config = pulumi.Config()
    values = {str(key): str(value) for key, value in pulumi_config.CONFIG.get().items()}
    secrets = [key for key in values if pulumi_config.is_config_secret(key)]
    token = config.get_secret("gitlabToken") if config.get("gitlabToken") else None
    settings, problems = parse(values, secrets, token, pulumi.get_stack())
    if settings is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise pulumi.RunError(f"Pulumi.{pulumi.get_stack()}.yaml has {count}; nothing was changed:{lines}")
    return settings


def parse(
    values: Mapping[str, str],
    secrets: Collection[str] = (),
    token: pulumi.Output[str] | None = None,
    stack: str = "stack",
) -> tuple[Settings | None, list[str]]:
    """Settings from configuration as the engine hands it over, or None with every problem found.

    `values` maps full keys (`gitlab-deploy:image`) to text, which is JSON where the stack file has a block; `secrets`
    are the keys that hold something encrypted; `token` is the GitLab token, whose text is never looked at here; `stack`
    is the stack's name.
    """
    problems = Problems()
    scalars, blocks = read_blocks(problems, values, secrets, PROJECT, SCALARS, BLOCKS, MAY_HOLD_SECRETS)
    path = f"{PROJECT}:gitlabToken"
    if scalars.get("gitlabToken") and path not in secrets:
        problems.add(path, f"is in plain text; revoke that token, and set one with 'pulumi config set --secret {path}'")

    access, app, registry, docker = (blocks.get(key) for key in ("access", "app", "registry", "dockerHost"))
    cluster = scalars.get("cluster", "")
    if (access or app) and not cluster:
        problems.add(
            f"{PROJECT}:cluster",
            "is missing; name the cluster once, such as 'production' (another name later replaces every object)",
        )
    elif cluster:
        problems.check(f"{PROJECT}:cluster", cluster, rules.dns_subdomain)
    project = _scalar(
        problems,
        scalars,
        "gitlabProject",
        rules.gitlab_project,
        needed="access" if access else "registry" if registry else None,
    )
    settings = Settings(
        cluster=cluster,
        gitlab_url=_scalar(problems, scalars, "gitlabUrl", rules.gitlab_url, needed=None).rstrip("/"),
        gitlab_token=token,
        access=_access(problems, access, cluster, project) if access else None,
        registry=_registry(problems, registry, project, stack) if registry else None,
        app=_app(problems, app, scalars, access, registry) if app else None,
        docker_app=_docker_app(problems, docker, scalars, stack) if docker else None,
    )
    if not problems and not any((access, app, registry, docker)):
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


def _access(problems: Problems, block: Block, cluster: str, project: str) -> Access | None:
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
    return Access(deploy=deploy, project=project, environment=environment, variable=variable)


def _registry(problems: Problems, block: Block, project: str, stack: str) -> RegistryAccessArgs | None:
    server = block.text("server", rules.registry)
    rotation = block.text("rotation", rules.rotation, default="1")
    expires = block.optional("expires", rules.day)
    block.close()
    if problems:
        return None
    return RegistryAccessArgs(
        project=project, registry=server, name=f"{PROJECT}-{stack}", rotation=rotation, expires_at=expires
    )


def _app(
    problems: Problems, block: Block, scalars: Mapping[str, str], access: Block | None, registry: Block | None
) -> WebAppArgs | None:
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
    pull_secret = None if registry else block.optional("pullSecret", rules.dns_subdomain)
    if registry:
        block.refuse("pullSecret", "is made by the block registry; take it out here")
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
        pull_secret=pull_secret,
        env=env,
        writable=writable,
        egress=egress,
    )


def _docker_app(problems: Problems, block: Block, scalars: Mapping[str, str], stack: str) -> DockerAppArgs | None:
    image = _scalar(problems, scalars, "image", image_reference, needed="dockerHost")
    address = block.text("address", rules.docker_address)
    host_key = block.text("hostKey", rules.host_key)
    identity_file = block.optional("identityFile", rules.key_file)
    name = block.text("name", rules.dns_label, default=f"web-{stack}")
    host = block.optional("host", rules.dns_subdomain)
    if not host:
        for key in ("network", "entryPoint", "certResolver"):
            block.refuse(
                key, "belongs to a route, which is made only where 'host' is given; add the host or take this out"
            )
    network = block.text("network", rules.docker_name, default="traefik") if host else "traefik"
    entry_point = block.text("entryPoint", rules.docker_name, default="websecure") if host else "websecure"
    cert_resolver = block.optional("certResolver", rules.docker_name) if host else None
    port = block.integer("port", 1, 65535)
    health_check = block.texts("healthCheck", rules.argument, unique=False)
    published = block.block("publish")
    publish = None
    if published:
        publish = Publish(
            port=published.integer("port", 1, 65535),
            address=published.text("address", rules.bind_address, default="127.0.0.1"),
        )
        published.close()
    memory = block.integer("memory", 16, 1 << 20, default=256)
    wait_seconds = block.integer("waitSeconds", 5, 600, default=60)
    overlap_seconds = block.integer("overlapSeconds", 0, 60, default=3)
    stop_seconds = block.integer("stopSeconds", 1, 600, default=30)
    environment = block.text_map("env", rules.env_name)
    files = block.text_map("files", rules.mount_path)
    volumes = block.text_map("volumes", rules.mount_path, rules.docker_name)
    writable = block.texts("writable", rules.mount_path, default=("/tmp",))  # noqa: S108 - a folder of the container
    block.close()
    if problems:
        return None
    return DockerAppArgs(
        daemon=DockerHost(address=address, host_key=host_key, identity_file=identity_file),
        name=name,
        owner=f"{PROJECT}/{stack}/{name}",
        image=image,
        port=port,
        health_check=health_check,
        host=host,
        network=network,
        entry_point=entry_point,
        cert_resolver=cert_resolver,
        publish=publish,
        memory=memory,
        wait_seconds=wait_seconds,
        overlap_seconds=overlap_seconds,
        stop_seconds=stop_seconds,
        environment=environment,
        files=files,
        volumes=volumes,
        writable=writable,
    )
