from dataclasses import replace

from components.docker_app.labels import Route, labels, probe_path
from components.docker_app.swap import LEVELS, Generation

ROUTE = Route(
    name="web",
    hosts=("blog.example.org",),
    port=8080,
    network="traefik",
    entry_point="websecure",
    health_path="/healthz",
)
ROUTERS, MIDDLEWARES = "traefik.http.routers", "traefik.http.middlewares"
FIRST = Generation(number=3, token="a1", before="a0")


def test_router_leads_to_the_port_of_the_container() -> None:
    found = labels("owner", ROUTE, FIRST)
    assert found["gitlab-deploy.stack"] == "owner"
    assert found["traefik.enable"] == "true"
    assert found["traefik.docker.network"] == "traefik"
    assert found[f"{ROUTERS}.web-a1.rule"] == "Host(`blog.example.org`)"
    assert found[f"{ROUTERS}.web-a1.entrypoints"] == "websecure"
    assert found[f"{ROUTERS}.web-a1.tls"] == "true"
    assert found[f"{ROUTERS}.web-a1.service"] == "web-a1"
    assert found["traefik.http.services.web-a1.loadbalancer.server.port"] == "8080"
    assert f"{ROUTERS}.web-a1.tls.certresolver" not in found
    assert f"{ROUTERS}.web-a1.middlewares" not in found


def test_two_containers_share_no_name_and_the_newer_one_comes_first() -> None:
    names = []
    for generation in (FIRST, Generation(number=4, token="a2", before="a1")):
        found = labels("owner", ROUTE, generation)
        names.append({key.split(".")[3] for key in found if key.startswith("traefik.http.")})
    assert not names[0] & names[1]
    one, two = (
        int(labels("owner", ROUTE, Generation(number=number, token="x"))[f"{ROUTERS}.web-x.priority"])
        for number in (3, 4)
    )
    assert one < two


def test_priority_never_gets_to_that_of_a_path_of_the_same_host() -> None:
    shortest = len("Host(`blog.example.org`) && Path(`/`)")
    for number in range(3 * LEVELS):
        found = labels("owner", ROUTE, Generation(number=number, token="x", before="y"))
        assert len(ROUTE.rule) <= int(found[f"{ROUTERS}.web-x.priority"]) < shortest


def test_priority_that_starts_over_takes_the_router_of_the_container_before_out() -> None:
    last = labels("owner", ROUTE, Generation(number=LEVELS - 1, token="old", before="older"))
    over = labels("owner", ROUTE, Generation(number=LEVELS, token="new", before="old"))
    assert int(over[f"{ROUTERS}.web-new.priority"]) < int(last[f"{ROUTERS}.web-old.priority"])
    # Traefik drops a router that two containers define differently.
    assert over[f"{ROUTERS}.web-old.rule"] != last[f"{ROUTERS}.web-old.rule"]
    # Alone, it takes nothing that anybody asks for.
    assert over[f"{ROUTERS}.web-old.rule"].endswith(f"Path(`{probe_path('old')}/over`)")


def test_probe_takes_one_path_and_fails_if_the_route_does() -> None:
    route = replace(ROUTE, cert_resolver="le", middlewares=("auth@file",), entry_point="https")
    found = labels("owner", route, FIRST)
    probe = f"{ROUTERS}.web-a1-probe"
    assert found[f"{probe}.rule"] == f"Host(`blog.example.org`) && Path(`{probe_path('a1')}`)"
    for key in ("entrypoints", "tls", "tls.certresolver", "service"):
        assert found[f"{probe}.{key}"] == found[f"{ROUTERS}.web-a1.{key}"]
    assert found[f"{ROUTERS}.web-a1.middlewares"] == "auth@file"
    # The header is set first, so that whatever answers behind it has it.
    assert found[f"{probe}.middlewares"] == "web-a1-probe,web-a1-probe-path,auth@file"
    assert found[f"{MIDDLEWARES}.web-a1-probe.headers.customresponseheaders.X-Gitlab-Deploy"] == "a1"
    assert found[f"{MIDDLEWARES}.web-a1-probe-path.replacepath.path"] == "/healthz"


def test_route_may_have_several_hosts_a_path_a_priority_and_no_tls() -> None:
    route = replace(ROUTE, hosts=("a.example.org", "b.example.org"), path="/shop", priority=7, tls=False)
    found = labels("owner", route, FIRST)
    assert found[f"{ROUTERS}.web-a1.rule"] == "(Host(`a.example.org`) || Host(`b.example.org`)) && PathPrefix(`/shop`)"
    assert found[f"{ROUTERS}.web-a1.priority"] == "10"
    assert not [label for label in found if ".tls" in label]
    assert replace(route, path="/").rule == "Host(`a.example.org`) || Host(`b.example.org`)"


def test_middlewares_that_labels_define_are_the_containers_own() -> None:
    own = {
        "traefik.http.middlewares.auth.basicauth.users": "me:$apr1$x",
        "traefik.http.middlewares.all.chain.middlewares": "auth,limit@file",
        "com.example.team": "blog",
    }
    found = labels("owner", replace(ROUTE, labels=own, middlewares=("all", "gzip@file")), FIRST)
    assert found["traefik.http.middlewares.auth-a1.basicauth.users"] == "me:$apr1$x"
    assert found["traefik.http.middlewares.all-a1.chain.middlewares"] == "auth-a1,limit@file"
    assert found[f"{ROUTERS}.web-a1.middlewares"] == "all-a1,gzip@file"
    assert found["com.example.team"] == "blog"
    assert not [label for label in found if label.startswith(("traefik.http.middlewares.auth.", "traefik.http.all."))]


def test_container_without_a_route_is_not_exposed_by_a_traefik_that_exposes_all() -> None:
    assert labels("owner", None) == {"gitlab-deploy.stack": "owner", "traefik.enable": "false"}
