"""What `ops status --json` prints of two stacks, one well and one not."""

from typing import Any

GITLAB = "https://gitlab.example.com/group/blog"
REPOSITORY = "registry.example.com/group/blog"
DIGEST = "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def run(version: str | None, iid: str | None, begun: str, **more: Any) -> dict[str, Any]:
    return {
        "begun": begun,
        "seconds": 14,
        "kind": "update",
        "succeeded": True,
        "image": f"{REPOSITORY}:{version}" if version else None,
        "commit": "1a2b3c4d5e6f7788" if iid else None,
        "url": f"{GITLAB}/-/jobs/90{iid}" if iid else None,
        "pipeline": iid,
        "changes": {"update": 2, "replace": 1},
    } | more


def stack(name: str = "prod", **more: Any) -> dict[str, Any]:
    return {
        "stack": name,
        "readable": True,
        "image": f"{REPOSITORY}:1.4.2@{DIGEST}",
        "deployment": {
            "image": f"{REPOSITORY}:1.4.2@{DIGEST}",
            "commit": "1a2b3c4d5e6f7788",
            "pipeline": {"project": 20.0, "iid": 812.0, "url": f"{GITLAB}/-/pipelines/812"},
            "rolledBack": False,
        },
        "since": "2026-11-24T09:12:40+00:00",
        "places": ["cluster production, namespace blog", "ssh://deploy@docker.example.com"],
        "addresses": ["https://blog.example.org/", "https://blog.example.net/"],
        "lastRun": "2026-11-26T04:00:12+00:00",
        "credentials": [
            {
                "name": "ServiceAccount token blog/gitlab-blog-token-2026-11",
                "made": "2026-11-02T08:00:00+00:00",
                "expires": None,
                "due": None,
            },
            {
                "name": "GitLab deploy token gitlab-deploy-prod-2026-11",
                "made": "2026-11-02T08:00:00+00:00",
                "expires": "2027-11-02T00:00:00+00:00",
                "due": "2027-10-03T00:00:00+00:00",
            },
        ],
        "interrupted": 0,
        "deployments": [
            run(None, None, "2026-11-26T04:00:00+00:00", changes={}),
            run("1.4.2", "812", "2026-11-24T09:12:26+00:00"),
            run("1.4.1", "805", "2026-11-23T16:40:02+00:00", succeeded=False, changes={"update": 1}, seconds=31),
            run("1.4.0", "798", "2026-11-19T11:02:51+00:00"),
        ],
        "checks": [
            {"passed": True, "text": f"blog: 2 of 2 Pods behind Service web run {REPOSITORY}:1.4.2@{DIGEST}"},
            {"passed": True, "text": "blog: Service web answers over HTTP"},
            {"passed": True, "text": "https://blog.example.org/: answers through its Ingress, status 200"},
        ],
        "drift": {"passed": True, "text": "no drift"},
        "locks": [],
    } | more


def unwell() -> dict[str, Any]:
    return stack(
        "staging",
        image=f"{REPOSITORY}:1.5.0-rc1",
        deployment={"image": f"{REPOSITORY}:1.5.0-rc1", "commit": None, "pipeline": None, "rolledBack": True},
        since=None,
        addresses=["https://staging.blog.example.org/"],
        checks=[
            {"passed": False, "text": f"blog-staging: 1 of 2 Pods behind Service web run {REPOSITORY}:1.5.0-rc1"},
            {"passed": None, "text": "https://staging.blog.example.org/: could not be asked from here"},
        ],
        credentials=[
            {
                "name": "GitLab deploy token gitlab-deploy-staging-1",
                "made": "2026-01-02T08:00:00+00:00",
                "expires": "2026-12-02T00:00:00+00:00",
                "due": "2026-11-02T00:00:00+00:00",
            }
        ],
        drift={"passed": False, "text": "drift: 2 to update"},
        locks=["runner@ci-7 (pid 57), since 2026-11-26 05:58:00 UTC"],
        interrupted=1,
    )
