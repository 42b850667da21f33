"""What a run says at its end, and the output `addresses`."""

from components.image.history import Deployed
from components.image.origin import Origin, Pipeline
from components.image.reference import ImageReference
from components.settings import settings
from components.settings.settings import Settings
from components.summary import addresses, summary

IMAGE = ImageReference.parse("registry.example.com/blog:1.0.0")
PIPELINE = Pipeline(project=20, iid=12, url="https://gitlab.example.com/group/blog/-/pipelines/12")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINjmxQ507unn/4mXz6R18i7X2hFMaOevmNcsJ2Nqi/Hz"


def stack(**blocks: str) -> Settings:
    keys = {"cluster": "prod", "image": str(IMAGE), "app": '{"port": 8080}', **blocks}
    found, problems = settings.parse({f"gitlab-deploy:{key}": value for key, value in keys.items()})
    assert found, problems
    return found


def test_the_end_of_a_run_says_what_serves_since_when_by_whom_and_where() -> None:
    deployed = Deployed(image=IMAGE, origin=Origin(pipeline=PIPELINE, commit="0123456789abcdef"), rolled_back=True)
    assert summary(deployed, {"kubernetes": ["https://a/"], "dockerHost": ["https://a/", "https://b/"]}, 8.4) == (
        "registry.example.com/blog:1.0.0 serves after 8 s (commit 01234567, pipeline 12 "
        "https://gitlab.example.com/group/blog/-/pipelines/12, rolled back): https://a/ https://b/"
    )
    assert summary(Deployed(image=IMAGE), {}, 0.6) == f"{IMAGE} serves after 1 s (deployed by a developer)"


def test_addresses_are_those_that_the_stack_declares_on_both_targets() -> None:
    found = stack(
        kubernetes='{"namespace": "shop", "host": "a.example.org", "hosts": ["b.example.org"], "tlsSecret": "tls", '
        '"paths": ["/docs"]}',
        dockerHost=f'{{"address": "ssh://d@h", "hostKey": "{KEY}", "host": "c.example.org", "tls": false}}',
    )
    assert addresses(found, None) == {
        "kubernetes": ["https://a.example.org/docs", "https://b.example.org/docs"],
        "dockerHost": ["http://c.example.org/"],
    }


def test_a_stack_without_a_host_has_no_addresses() -> None:
    assert addresses(stack(kubernetes='{"namespace": "shop"}'), None) == {}
