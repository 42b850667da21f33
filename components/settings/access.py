"""The block `access`. Pure: no Pulumi here."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.settings import kubernetes_rules, rules
from components.settings.block import Block
from components.settings.conditions import Condition, equals, negation
from components.settings.key import key


@dataclass(frozen=True, kw_only=True)
class Access(Block):
    """A namespace with a ServiceAccount that may deploy there, and the GitLab variables with its credential."""

    namespace: str = key(
        "Namespace, which this stack owns unless `createNamespace` is false.",
        rule=(rules.DNS_LABEL, rules.OWN_NAMESPACE),
        example="example",
    )
    create_namespace: bool = key(
        "Whether the stack makes the namespace and owns it. With false it exists and is somebody else's: it gets no "
        "Pod Security label and no default-deny NetworkPolicy, and `pulumi destroy` leaves it.",
        default=True,
        example=False,
    )
    pod_security: Literal["restricted", "baseline", "privileged"] = key(
        "Pod Security Standard that the namespace enforces: `baseline` lets images run as root, `privileged` forbids "
        "nothing.",
        default="restricted",
        example="baseline",
    )
    default_deny: bool = key(
        "Whether the namespace has a NetworkPolicy that denies what no other one allows.", default=True, example=False
    )
    service_account: str = key("Name of the ServiceAccount.", rule=rules.DNS_NAME, example="gitlab-example")
    server: str = key(
        "Address of the API server as GitLab CI reaches it.",
        rule=rules.SERVER_URL,
        example="https://kube.example.com:6443",
    )
    certificate_authority: str | None = key(
        "Certificate authority of that server, in PEM, if it is not the cluster's own, as behind a load balancer; "
        "`system` stands for those that the jobs' images trust.",
        rule=kubernetes_rules.CERTIFICATES,
        default=None,
        default_text="the cluster's own",
        example=kubernetes_rules.SYSTEM,
    )
    tls_server_name: str | None = key(
        "Name that the server's certificate has, if the address has another.",
        rule=rules.DNS_NAME,
        default=None,
        default_text="that of the address",
        example="kubernetes.default.svc",
    )
    proxy_url: str | None = key(
        "Proxy through which GitLab CI reaches the server.",
        rule=kubernetes_rules.PROXY_URL,
        default=None,
        default_text="none",
        examples=("http://proxy.example.com:3128", "socks5://10.0.0.1:1080"),
    )
    check_server: bool = key(
        "Whether `pulumi up` asks the server with the kubeconfig that jobs get before it stores that; with false, it "
        "need not be reached from where `pulumi up` runs.",
        default=True,
        example=False,
    )
    environment: str = key(
        "Environment scope of the GitLab variables; `*` is every job.",
        rule=rules.ENVIRONMENT_SCOPE,
        default="*",
        example="production",
    )
    variable: Literal["file", "base64"] = key(
        "Form of the variable KUBECONFIG: the path of a kubeconfig, or a kubeconfig in base64 on one line.",
        default="file",
        example="base64",
    )
    protected: bool = key(
        "Whether only jobs of protected branches and tags get the credential that deploys; jobs of merge requests, "
        "such as in environment `review/*`, need false.",
        default=True,
        example=False,
    )
    preview: bool = key(
        "Whether there is a second, read-only identity for the jobs of merge requests.", default=False, example=True
    )
    preview_project: str = key(
        "GitLab project whose merge requests get the read-only credential.",
        rule=rules.GITLAB_PROJECT,
        default="",
        default_text="that of `gitlabProject`",
        example="group/gitlab-deploy",
    )
    preview_environment: str = key(
        "Environment scope of the variables with the read-only credential.",
        rule=rules.PREVIEW_SCOPE,
        default="preview/*",
        example="preview/staging",
    )
    rotation: str = key(
        "Rotation id of the tokens: if it changes, new tokens are made first and the old ones revoked last.",
        rule=rules.ROTATION,
        default="1",
        example="2026-11",
    )
    protect: bool = key(
        "Whether Pulumi refuses to delete the namespace, and with it the stack.", default=True, example=False
    )

    conditions: ClassVar[tuple[Condition, ...]] = (
        *(
            Condition(
                when=negation(equals("preview", True)),
                then="refused",
                path=path,
                cause="is for the credential of previews",
                remedy="set access.preview, or take this out",
            )
            for path in ("previewProject", "previewEnvironment")
        ),
        *(
            Condition(
                when=equals("createNamespace", False),
                then="refused",
                path=path,
                cause="is for a namespace which the stack owns",
                remedy="take it out, or take out access.createNamespace",
            )
            for path in ("protect", "podSecurity", "defaultDeny")
        ),
    )
