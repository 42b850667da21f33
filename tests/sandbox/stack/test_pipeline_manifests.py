"""The examples that deploy manifests of their own, unmodified, through their own pipelines."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from sandbox.instance import Instance
from tests.support.blog import Site
from tests.support.cluster import kubectl
from tests.support.docker_stack import Load
from tests.support.gitlab_repository import Repository
from tests.support.project import leaks

CHANGES = 10
EMPTY: Mapping[str, bytes] = MappingProxyType({})
PASSWORD = f"canary-{secrets.token_hex(8)}"
Team = tuple[Site, Repository]


@pytest.fixture(scope="module")
def make_team(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Team]]:
    """Makes the stack prod of an example that deploys manifests, and the example's repository."""
    sites: list[Site] = []

    def make(example: str, project: str, namespace: str, **kubernetes: Any) -> Team:
        def change(config: dict[str, Any]) -> None:
            # The recipe's namespace: made by hand, with no policy of this product.
            config["access"] |= {"previewProject": project, "createNamespace": False, "serviceAccount": namespace}
            del config["access"]["protect"]
            config["registry"]["project"] = project
            for block in ("app", "kubernetes", "dockerHost"):
                del config[block]

        kubectl(instance, "create", "namespace", namespace)
        site = Site(instance, tmp_path_factory.mktemp(namespace), project=project, namespace=namespace, change=change)
        sites.append(site)
        config = {key: value for key, value in site.config.items() if key != "image"}
        site.write("prod", config | {"filesFrom": "application", "kubernetes": kubernetes})
        application = site.application(example, project)
        return site, application

    yield make
    for site in sites:
        site.close()
        kubectl(instance, "delete", "namespace", site.namespace, "--wait=false")


@pytest.fixture(scope="module")
def shop(make_team: Callable[..., Team]) -> Team:
    site, application = make_team("two-services", "group/shop", "shop", manifests=["kubernetes/*.yml"])
    key = 'gitlab-deploy:kubernetes.secrets["database/password"]'
    site.pulumi("config", "set", "--secret", "--path", key, PASSWORD)
    site.program.push("The shop")
    deployed = site.runner.run(application)
    assert deployed.code == 0, deployed.masked
    assert not leaks(PASSWORD, deployed.log)
    return site, application


def change_ten_times(
    site: Site,
    application: Repository,
    service: str,
    namespace: str,
    file: str,
    change: Callable[[int], object],
    others: Mapping[str, bytes] = EMPTY,
) -> None:
    """Deploys as many images while the Service is asked all the time: the first and the last one by the pipeline.

    `change` changes the application for these two. The others differ in `file`, and no pipeline builds them;
    they have `others` in place of what its first job makes.
    """
    first, last = 1, CHANGES
    built = {
        number: site.build(application, f"by-hand-{number}", {file: f"by-hand-{number}\n".encode(), **others})
        for number in range(first + 1, last)
    }
    address = site.kubectl("get", "service", service, "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    with Load(site.instance, rate=10, address=address) as load:
        for number in range(first, last + 1):
            if number in built:
                site.deploy(application, built[number])
                assert site.on_kubernetes("/version.txt", service=service).strip() == f"by-hand-{number}"
            else:
                change(number)
                application.push(f"Change {number}")
                done = site.runner.run(application)
                assert done.code == 0, done.masked
                assert f"2 of 2 Pods behind Service {service} run {site.image()}" in done.log
    print(f"{namespace}: {CHANGES} image changes, {len(load.answers)} requests, {len(load.failed)} failed")
    assert load.failed == []
    assert len({answer.body for answer in load.answers}) > last


def version(site: Site, repository: Repository) -> str:
    """What a commit's pipeline has deployed."""
    return f"{repository.git('rev-parse', 'HEAD')[:8]}-{site.runner.pipelines}"


def test_ten_image_changes_of_two_services_fail_no_request(shop: Team) -> None:
    site, application = shop
    assert site.on_kubernetes("/version.txt", service="web").strip() == version(site, application)

    number = application.clone / "app" / "number.txt"
    change_ten_times(
        site, application, "web", "shop", "app/version.txt", lambda change: number.write_text(f"{change}\n")
    )
    assert site.on_kubernetes("/version.txt", service="web").strip() == version(site, application)
    log = site.kubectl("logs", "job/migrate", "-n", "shop")
    assert log == f"The database is at version {version(site, application)}"
    images = site.kubectl("get", "deployments", "-n", "shop", "-o", "jsonpath={..spec.containers[*].image}")
    assert set(images.split()) == {site.image()}


def test_migration_that_fails_is_reported_with_its_log_and_changes_nothing(shop: Team) -> None:
    site, application = shop
    served, image = site.on_kubernetes("/version.txt", service="web"), site.image()
    script = application.clone / "app" / "run.sh"
    good = script.read_text()
    script.write_text(good.replace("    # In place of", "    echo no such column && exit 3\n    # In place of"))
    application.push("A migration that fails")
    address = site.kubectl("get", "service", "web", "-n", "shop", "-o", "jsonpath={.spec.clusterIP}")
    with Load(site.instance, rate=10, address=address) as load:
        failed = site.runner.run(application)
    assert failed.code != 0
    assert "Job migrate (kubernetes/migrate.yml:2) has failed" in failed.log
    assert "log: no such column" in failed.log
    assert "Traceback" not in failed.log
    assert load.failed == []
    assert {answer.body for answer in load.answers} == {served.strip()}
    assert site.image() == image
    images = site.kubectl("get", "deployments", "-n", "shop", "-o", "jsonpath={..spec.containers[*].image}")
    assert set(images.split()) == {image}
    script.write_text(good)
    application.push("The migration as it was")
    assert site.runner.run(application).code == 0


def test_merge_request_that_changes_a_manifest_shows_the_change_of_the_cluster(shop: Team) -> None:
    site, application = shop
    file = application.clone / "kubernetes" / "web.yml"
    file.write_text(file.read_text().replace("replicas: 2", "replicas: 3"))
    application.push("More replicas", branch="replicas")
    project = site.runner.project("group/shop")
    request = {"source_branch": "replicas", "target_branch": "main", "title": "More replicas"}
    iid = str(project.mergerequests.create(request).iid)
    done = site.runner.run(
        application,
        "preview",
        source="merge_request_event",
        protected=False,
        CI_MERGE_REQUEST_IID=iid,
        CI_MERGE_REQUEST_PROJECT_PATH="group/shop",
        CI_MERGE_REQUEST_SOURCE_PROJECT_PATH="group/shop",
        CI_MERGE_REQUEST_PROJECT_ID=str(project.id),
    )
    application.git("switch", "--quiet", "main")
    assert done.code == 0, done.masked
    assert "replicas" in done.log
    assert not leaks(PASSWORD, done.log)


def test_ten_image_changes_of_the_blog_from_the_file_of_sed_fail_no_request(make_team: Callable[..., Team]) -> None:
    site, blog = make_team("hugo-blog", "group/blog", "recipe", manifests=["deployment.yml"])
    site.program.push("The blog")
    assert site.runner.run(blog).code == 0
    page = blog.clone / "content" / "about.md"
    text = page.read_text()

    def change(number: int) -> None:
        page.write_text(f"{text}\nThe pipeline brought sentence {number}.\n")

    change_ten_times(site, blog, "blog", "recipe", "public/version.txt", change, {"public/healthz": b"ok\n"})
    assert f"The pipeline brought sentence {CHANGES}." in site.on_kubernetes("/about/", service="blog")
