"""PipelineCredential: the variables through which a GitLab project's jobs reach the cluster."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import pulumi
import pulumi_gitlab as gitlab

from components.access import kubeconfig, masking
from components.access.deploy_access import DeployAccess
from components.access.kubeconfig import KUBECONFIG, TOKEN
from components.outputs import AccessOutput
from components.settings import rules
from components.settings.access import Access
from components.settings.rule import require
from components.settings.scalars import Scalars

_DESCRIPTION = "Managed by gitlab-deploy"


@dataclass(frozen=True, kw_only=True)
class PipelineCredentialArgs:
    """The project, and the credential its jobs get. Raises ValueError on a value GitLab would refuse."""

    project: str
    """Full path or id of the GitLab project."""
    environment: str
    """Environment scope of the variables; `*` is every job."""
    variable: Literal["file", "base64"]
    """`file`: in a job $KUBECONFIG is the path of a kubeconfig. `base64`: it is the kubeconfig in base64, one line."""
    kubeconfig: pulumi.Input[str]
    """Kubeconfig as one line with no white space; treated as secret."""
    token: pulumi.Input[str]
    """The bare token in that kubeconfig; treated as secret."""
    on_error: pulumi.ErrorHook | None = None
    """Explains what GitLab refuses; None explains nothing."""
    protected: bool = True
    """Whether only the jobs of protected branches and tags get the variables."""

    def __post_init__(self) -> None:
        require("project", self.project, rules.GITLAB_PROJECT)
        require("environment", self.environment, rules.ENVIRONMENT_SCOPE)


class PipelineCredential(pulumi.ComponentResource):
    """The masked variables KUBECONFIG and KUBE_TOKEN of a GitLab project, protected unless said otherwise.

    GitLab masks the stored string only, so the bare token is a variable too: a job that prints it, alone or in the
    kubeconfig, shows [MASKED]. Whether GitLab can mask a value is checked before it is sent.
    """

    def __init__(self, name: str, args: PipelineCredentialArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gitlab-deploy:index:PipelineCredential", name, _inputs(args), opts)

        hooks = pulumi.ResourceHookBinding(on_error=[args.on_error]) if args.on_error else None

        def variable(role: str, key: str, value: pulumi.Input[str], variable_type: str) -> None:
            def maskable(text: str) -> str:
                reason = masking.refusal(text, raw=True)
                if reason:
                    raise pulumi.RunError(
                        f"GitLab cannot mask the variable {key} of {args.project}: {reason}; "
                        "nothing was sent to GitLab, so fix what it is made of and run the same command again"
                    )
                warning = masking.size_warning(key, text)
                if warning:
                    pulumi.log.warn(warning, self)
                return text

            gitlab.ProjectVariable(
                f"{name}-{role}",
                project=args.project,
                key=key,
                value=pulumi.Output.secret(value).apply(maskable),
                variable_type=variable_type,
                environment_scope=args.environment,
                masked=True,
                # Left out, the provider counts it as changed with every other change.
                hidden=False,
                protected=args.protected,
                raw=True,
                description=_DESCRIPTION,
                opts=pulumi.ResourceOptions(parent=self, hooks=hooks),
            )

        if args.variable == "file":
            variable("kubeconfig", KUBECONFIG, args.kubeconfig, "file")
        else:
            encoded = pulumi.Output.secret(args.kubeconfig).apply(kubeconfig.to_base64)
            variable("kubeconfig", KUBECONFIG, encoded, "env_var")
        variable("token", TOKEN, args.token, "env_var")
        self.register_outputs({})


def credentials(access: Access, project: str, deploy: DeployAccess) -> dict[str, PipelineCredentialArgs]:
    """The variables of each credential, by the name of their component; `project` gets the one that deploys."""
    variables = partial(PipelineCredentialArgs, variable=access.variable)
    found = {
        "pipeline": variables(
            project=project,
            environment=access.environment,
            kubeconfig=deploy.deploy.kubeconfig,
            token=deploy.deploy.token,
            protected=access.protected,
        )
    }
    if deploy.preview:
        found["pipeline-preview"] = variables(
            project=access.preview_project,
            environment=access.preview_environment,
            kubeconfig=deploy.preview.kubeconfig,
            token=deploy.preview.token,
            # The branch of a merge request is not protected.
            protected=False,
        )
    return found


def access_output(access: Access, scalars: Scalars, namespace: pulumi.Input[str]) -> AccessOutput[pulumi.Input[str]]:
    """Where the variables are, for the stack's outputs."""
    output: AccessOutput[pulumi.Input[str]] = {
        "namespace": namespace,
        "gitlabUrl": scalars.gitlab_url,
        "gitlabProject": scalars.gitlab_project,
        "environment": access.environment,
        "variable": access.variable,
        "protected": access.protected,
    }
    if access.preview:
        output["preview"] = {"gitlabProject": access.preview_project, "environment": access.preview_environment}
    return output


def _inputs(args: PipelineCredentialArgs) -> pulumi.Inputs:
    """What a policy pack can check: all but the credential."""
    return {
        "project": args.project,
        "environment": args.environment,
        "variable": args.variable,
        "protected": args.protected,
    }
