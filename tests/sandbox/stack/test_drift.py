"""`python -m ops drift` on a real cluster: what others change by hand, as one issue."""

from pathlib import Path
from typing import Any

import gitlab

from tests.support.cluster import Deployed
from tests.support.project import ROOT, Run


def drift(deployed: Deployed, **environment: str) -> Run:
    job = {
        "CI_SERVER_URL": deployed.instance.gitlab.url,
        "CI_PROJECT_ID": "20",
        "GITLAB_REVIEW_TOKEN": deployed.project.environment["GITLAB_TOKEN"],
        "PYTHONPATH": str(ROOT),
    }
    return deployed.project.run("python", "-m", "ops", "drift", "sandbox", **job, **environment)


def issue(deployed: Deployed) -> Any:
    """The stack's only issue."""
    client = gitlab.Gitlab(deployed.instance.gitlab.url, private_token=deployed.project.environment["GITLAB_TOKEN"])
    (found,) = client.projects.get(20, lazy=True).issues.list(labels=["drift"], get_all=True)
    return found


def kubectl(deployed: Deployed, *arguments: str) -> None:
    run = deployed.kubectl("-n", deployed.namespace, *arguments)
    assert run.code == 0, run.text


def test_what_others_change_by_hand_is_one_issue_until_it_is_gone(deployed: Deployed, tmp_path: Path) -> None:
    # Others' own fields are no drift.
    kubectl(deployed, "label", "deployment", "web", "team=blue")
    run = drift(deployed)
    assert (run.code, run.stdout.splitlines()[0]) == (0, "sandbox: no drift"), run.text

    kubectl(deployed, "scale", "deployment", "web", "--replicas=3")
    run = drift(deployed)
    assert (run.code, run.stdout.splitlines()[0]) == (
        1,
        "sandbox: drift: 1 to update; others manage .spec.replicas (kubectl)",
    ), run.text
    assert "`spec.replicas`: `3` → `2`" in issue(deployed).description
    assert "- `.spec.replicas`, by `kubectl`" in issue(deployed).description

    # A cluster that is down tells nothing.
    dead = tmp_path / "kubeconfig"
    dead.write_text(Path(deployed.project.environment["KUBECONFIG"]).read_text().replace(":6443", ":6444"))
    run = drift(deployed, KUBECONFIG=str(dead))
    assert (run.code, run.stdout.splitlines()[0]) == (1, "sandbox: it is not known whether there is drift"), run.text
    assert issue(deployed).state == "opened"

    kubectl(deployed, "scale", "deployment", "web", "--replicas=2")
    run = drift(deployed)
    assert run.code == 0, run.text
    assert issue(deployed).state == "closed"

    kubectl(deployed, "delete", "service", "web")
    run = drift(deployed)
    assert (run.code, run.stdout.splitlines()[0]) == (1, "sandbox: drift: 1 to create"), run.text
    assert issue(deployed).state == "opened"
    deployed.up("--refresh")
    assert deployed.get("deployment", "web")["spec"]["replicas"] == 2
