"""The blocks of a stack file, each read into the arguments of the component it stands for."""

from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

from components.access.deploy_access import DeployAccess, DeployAccessArgs
from components.access.pipeline_credential import PREVIEW_ENVIRONMENT, PipelineCredentialArgs
from components.access.registry_access import RegistryAccessArgs
from components.docker_app.docker_app import DockerAppArgs, Publish
from components.docker_app.ssh import DockerHost
from components.image.reference import ImageReference
from components.kubernetes_app.kubernetes_app import WebAppArgs
from components.settings import rules
from components.settings.reader import Block, Problems

ON_FAILURE = ("keep", "rollback")
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
    protected: bool
    """Whether only the jobs of protected branches and tags get the credential that deploys."""
    preview_project: str
    """Full path or id of the GitLab project whose merge requests get the credential of previews, where there is one."""
    preview_environment: str
    """Environment scope of their variables: `preview/*`, or below it, where several stacks have previews."""

    def credentials(self, made: DeployAccess) -> dict[str, PipelineCredentialArgs]:
        """The variables of each credential, by the name of their component."""
        variables = partial(PipelineCredentialArgs, variable=self.variable)
        found = {
            "pipeline": variables(
                project=self.project,
                environment=self.environment,
                kubeconfig=made.deploy.kubeconfig,
                token=made.deploy.token,
                protected=self.protected,
            )
        }
        if made.preview:
            found["pipeline-preview"] = variables(
                project=self.preview_project,
                environment=self.preview_environment,
                kubeconfig=made.preview.kubeconfig,
                token=made.preview.token,
                # The branch of a merge request is not protected.
                protected=False,
            )
        return found

    @property
    def summary(self) -> dict[str, str | bool | dict[str, str]]:
        """Where the variables are, for the stack's outputs."""
        preview = {"gitlabProject": self.preview_project, "environment": self.preview_environment}
        return {
            "gitlabProject": self.project,
            "environment": self.environment,
            "variable": self.variable,
            "protected": self.protected,
            "preview": preview if self.deploy.preview else {},
        }


def read_access(problems: Problems, block: Block, *, cluster: str, project: str) -> Access | None:
    """The block `access`; None where anything of the stack file is refused."""
    namespace = block.text("namespace", rules.namespace)
    service_account = block.text("serviceAccount", rules.dns_subdomain)
    server = block.text("server", rules.server_url)
    rotation = block.text("rotation", rules.rotation, default="1")
    protect = block.boolean("protect", default=True)
    environment = block.text("environment", rules.environment_scope, default="*")
    variable = cast("Literal['file', 'base64']", block.choice("variable", VARIABLE_FORMS, default="file"))
    protected = block.boolean("protected", default=True)
    preview = block.boolean("preview", default=False)
    if not preview:
        for key in ("previewProject", "previewEnvironment"):
            block.refuse(key, "is for the credential of previews; set access.preview, or take this out")
    preview_project = (block.optional("previewProject", rules.gitlab_project) if preview else None) or project
    preview_environment = (
        block.text("previewEnvironment", rules.preview_scope, default=PREVIEW_ENVIRONMENT)
        if preview
        else PREVIEW_ENVIRONMENT
    )
    if preview and preview_project == project and _is_in_preview(environment):
        problems.add(
            f"{block.path}.environment:",
            f"{rules.quoted(environment)} holds environments of {PREVIEW_ENVIRONMENT!r}, whose jobs get the credential "
            "of previews; name one that does not start with 'preview/', or take out access.preview",
        )
    block.close()
    if problems:
        return None
    deploy = DeployAccessArgs(
        namespace=namespace,
        service_account=service_account,
        cluster=cluster,
        server=server,
        rotation=rotation,
        preview=preview,
        protect=protect,
    )
    return Access(
        deploy=deploy,
        project=project,
        environment=environment,
        variable=variable,
        protected=protected,
        preview_project=preview_project,
        preview_environment=preview_environment,
    )


def _is_in_preview(scope: str) -> bool:
    """Whether an environment can be in this scope and in that of previews, so that GitLab may take either variable.

    The scope `*` is no matter, for GitLab takes the variable of any other scope before that one.
    """
    folder = PREVIEW_ENVIRONMENT.removesuffix("*")
    start, wildcard, _ = scope.partition("*")
    return scope != "*" and (start.startswith(folder) or (bool(wildcard) and folder.startswith(start)))


def read_registry(
    problems: Problems, block: Block, *, owner: str, project: str, stack: str
) -> RegistryAccessArgs | None:
    """The block `registry`; None where anything of the stack file is refused."""
    server = block.text("server", rules.registry)
    images = block.optional("project", rules.gitlab_project) or project
    rotation = block.text("rotation", rules.rotation, default="1")
    expires = block.optional("expires", rules.day)
    block.close()
    if problems:
        return None
    return RegistryAccessArgs(
        project=images, registry=server, name=f"{owner}-{stack}", rotation=rotation, expires_at=expires
    )


def read_app(
    problems: Problems, block: Block, *, image: ImageReference, access: Block | None, registry: Block | None
) -> WebAppArgs | None:
    """The block `app`; None where anything of the stack file is refused."""
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
    wait_seconds = block.integer("waitSeconds", 5, 3600, default=300)
    on_failure = cast("Literal['keep', 'rollback']", block.choice("onFailure", ON_FAILURE, default="keep"))
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
        wait_seconds=wait_seconds,
        on_failure=on_failure,
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


def read_docker_app(
    problems: Problems, block: Block, *, image: ImageReference, owner: str, stack: str
) -> DockerAppArgs | None:
    """The block `dockerHost`; None where anything of the stack file is refused."""
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
        owner=f"{owner}/{stack}/{name}",
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
