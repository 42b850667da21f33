"""The second, read-only identity, which the jobs of merge requests get."""

import json

import pytest

from components.access.deploy_access import DeployAccess, DeployAccessArgs
from components.settings import settings
from components.settings.access import Access
from tests.support.recorder import Recorder, deploy


def declared(*, preview: bool) -> Recorder:
    """What the component declares."""
    access = Access(
        namespace="example",
        service_account="gitlab-example",
        server="https://kube.example.com:6443",
        rotation="2026-11",
        preview=preview,
    )
    args = DeployAccessArgs(access=access, cluster="production")
    token = {"token": "dG9rZW4tdG9rZW4=", "ca.crt": "UEVN"}
    return deploy(lambda: DeployAccess("access", args), {"kubernetes:core/v1:Secret": {"data": token}})


def test_preview_account_is_bound_to_cluster_role_view_with_a_token_of_its_own() -> None:
    before, run = declared(preview=False), declared(preview=True)
    added = [d for d in run.declarations if d.name not in {found.name for found in before.declarations}]
    # The component itself registers its arguments, and these say that there is a second account.
    # Threads register them, in no order of their own.
    assert {d.name: d for d in run.declarations if d.custom and d not in added} == {
        d.name: d for d in before.declarations if d.custom
    }
    assert sorted(d.name for d in added) == [
        "access-preview-role-binding",
        "access-preview-service-account",
        "access-preview-token",
    ]
    binding = run.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "access-preview-role-binding").inputs
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    assert binding["metadata"] == {"name": "gitlab-example-preview-view", "namespace": "example"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "gitlab-example-preview", "namespace": "example"}]
    secret = run.one("kubernetes:core/v1:Secret", "access-preview-token").inputs["metadata"]
    assert secret["name"] == "gitlab-example-preview-token-2026-11"
    assert secret["annotations"] == {"kubernetes.io/service-account.name": "gitlab-example-preview"}


def problems(**access: object) -> list[str]:
    block = {"namespace": "example", "serviceAccount": "sa", "server": "https://kube.example.com", **access}
    keys = {"cluster": "production", "gitlabProject": "group/blog", "access": json.dumps(block)}
    found, listed = settings.parse({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    assert (found is None) == bool(listed)
    return [str(problem) for problem in listed]


@pytest.mark.parametrize("scope", ["preview/*", "preview/blog", "preview*", "pre*", "*/blog"])
def test_a_scope_that_matches_previews_is_refused_if_there_is_a_preview_account(scope: str) -> None:
    assert problems(environment=scope) == []
    [problem] = problems(environment=scope, preview=True)
    assert problem.startswith("gitlab-deploy:access.environment holds environments of 'preview/*'")


@pytest.mark.parametrize("scope", ["*", "production", "preview", "previews/*", "review/*"])
def test_any_other_scope_goes_with_a_preview_account(scope: str) -> None:
    assert problems(environment=scope, preview=True) == []
