import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.hosts.proxy import with_routes
from sandbox.hosts.traefik_labels import NOT_FOUND, Container, Routing, inspected, translate

ON = {"traefik.enable": "true"}
RULE = "traefik.http.routers.blog.rule"
PORT = "traefik.http.services.blog.loadbalancer.server.port"
MIDDLEWARES = "traefik.http.routers.blog.middlewares"
ATTEMPTS = "traefik.http.middlewares.again.retry.attempts"
INTERVAL = "traefik.http.middlewares.again.retry.initialinterval"
BLOG = {**ON, RULE: "Host(`blog.test`)", PORT: "8080"}


def container(
    labels: Mapping[str, str] = BLOG,
    name: str = "one",
    *,
    address: str = "172.18.0.2",
    health: str | None = "healthy",
    ports: tuple[int, ...] = (),
) -> Container:
    return Container(name, labels, health, {"web": address}, ports)


def other(labels: Mapping[str, str] = BLOG, **more: Any) -> Container:
    return container(labels, "two", **{"address": "172.18.0.3", **more})


def handler(routing: Routing) -> Any:
    """Return the proxy of the one route there is, before the last that answers 404."""
    assert len(routing.routes) == 2
    return routing.routes[0]["handle"][0]


def balancing(labels: Mapping[str, str]) -> Any:
    routing = translate([container({**BLOG, **labels})])
    assert routing.problems == []
    return handler(routing)["load_balancing"]


def refused(*containers: Container) -> str:
    """Return the one problem of containers to which no route leads."""
    routing = translate(containers)
    assert routing.routes == [NOT_FOUND]
    assert routing.servers == {}
    assert len(routing.problems) == 1
    return routing.problems[0]


def test_a_router_rule_and_a_service_port_make_a_route() -> None:
    routing = translate([container()])
    route = routing.routes[0]
    assert route["match"] == [{"host": ["blog.test"]}]
    assert route["terminal"] is True
    assert handler(routing)["handler"] == "reverse_proxy"
    assert handler(routing)["upstreams"] == [{"dial": "172.18.0.2:8080"}]
    assert routing.servers == {"blog.test": ["172.18.0.2:8080"]}
    assert routing.problems == []


def test_without_containers_everything_is_not_found() -> None:
    routing = translate([])
    assert routing.routes == [NOT_FOUND]
    assert NOT_FOUND["handle"][0]["status_code"] == 404


def test_containers_of_one_service_share_its_load() -> None:
    routing = translate([other(), container()])
    assert handler(routing)["upstreams"] == [{"dial": "172.18.0.2:8080"}, {"dial": "172.18.0.3:8080"}]
    assert handler(routing)["load_balancing"] == {"selection_policy": {"policy": "round_robin"}}


@pytest.mark.parametrize("health", ["starting", "unhealthy"])
def test_a_container_that_is_not_healthy_gets_nothing(health: str) -> None:
    assert translate([container(health=health)]) == Routing([NOT_FOUND], {}, [])
    assert translate([container(), other(health=health)]).servers == {"blog.test": ["172.18.0.2:8080"]}


def test_a_container_without_a_healthcheck_is_taken_as_healthy() -> None:
    assert translate([container(health=None)]).servers == {"blog.test": ["172.18.0.2:8080"]}


@pytest.mark.parametrize("enable", ["1", "t", "true", "True", "TRUE"])
def test_enable_is_read_as_go_reads_a_bool(enable: str) -> None:
    assert translate([container({**BLOG, "traefik.enable": enable})]).servers


@pytest.mark.parametrize("labels", [{}, {"traefik.enable": "false"}, {"traefik.enable": "yes"}])
def test_a_container_that_is_not_enabled_is_not_there(labels: dict[str, str]) -> None:
    own = {label: value for label, value in BLOG.items() if label not in ON}
    assert translate([container({**own, **labels})]) == Routing([NOT_FOUND], {}, [])


def test_a_container_without_a_router_is_not_there() -> None:
    assert translate([container({**ON, PORT: "8080"})]) == Routing([NOT_FOUND], {}, [])


@pytest.mark.parametrize(
    ("rule", "hosts"),
    [
        ("Host(`a.test`)", ["a.test"]),
        ('Host("a.test")', ["a.test"]),
        ("Host(`a.test`) || Host(`b.test`)", ["a.test", "b.test"]),
        ("Host(`a.test`)||Host(`b.test`)||Host(`c-1.test`)", ["a.test", "b.test", "c-1.test"]),
        (" Host( `a.test` ) ", ["a.test"]),
    ],
)
def test_a_rule_names_one_host_or_several(rule: str, hosts: list[str]) -> None:
    routing = translate([container({**BLOG, RULE: rule})])
    assert routing.routes[0]["match"] == [{"host": hosts}]
    assert list(routing.servers) == hosts


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "Host(a.test)",
        "Host(``)",
        "Host(`a.test`, `b.test`)",
        "Host(`a.test`) ||",
        "Host(`a.test`) && PathPrefix(`/x`)",
        "PathPrefix(`/`)",
        "HostRegexp(`.*`)",
        "Host(`*.test`)",
        "Host(`{env.HOME}`)",
        "Host(`bücher.test`)",
    ],
)
def test_any_other_rule_is_refused_by_name(rule: str) -> None:
    assert refused(container({**BLOG, RULE: rule})) == (
        f"router blog is ignored: the rule {rule!r} is not made of Host(`NAME`) and ||"
    )


def test_entry_points_tls_and_labels_of_others_change_nothing() -> None:
    more = {
        "traefik.http.routers.blog.entrypoints": "websecure",
        "traefik.http.routers.blog.tls": "true",
        "traefik.http.routers.blog.tls.certresolver": "letsencrypt",
        "traefik.http.services.blog.loadbalancer.sticky.cookie": "true",
        "traefik.tcp.routers.db.rule": "HostSNI(`*`)",
        "com.docker.compose.project": "blog",
        "traefik.http.nonsense": "x",
    }
    assert translate([container({**BLOG, **more})]) == translate([container()])


def test_the_names_of_options_may_be_in_any_case() -> None:
    labels = {
        **ON,
        "Traefik.HTTP.Routers.blog.Rule": "Host(`blog.test`)",
        "traefik.http.services.blog.loadBalancer.server.Port": "8080",
    }
    assert translate([container(labels)]) == translate([container()])


def test_traefik_docker_network_selects_the_address() -> None:
    labels = {**BLOG, "traefik.docker.network": "web"}
    found = Container("one", labels, None, {"backend": "172.19.0.9", "web": "172.18.0.2"})
    assert translate([found]).servers == {"blog.test": ["172.18.0.2:8080"]}


def test_a_network_that_the_container_is_not_in_is_named_and_its_first_is_taken() -> None:
    routing = translate([container({**BLOG, "traefik.docker.network": "wep"})])
    assert routing.servers == {"blog.test": ["172.18.0.2:8080"]}
    assert routing.problems == ["container one is not in network wep: its first one is taken"]


@pytest.mark.parametrize("addresses", [{}, {"host": ""}])
def test_a_container_without_an_address_is_ignored(addresses: dict[str, str]) -> None:
    problem = refused(Container("one", BLOG, None, addresses))
    assert problem == "container one is ignored: it has no address in any network"


@pytest.mark.parametrize(("ports", "port"), [((8080,), 8080), ((9000, 80), 80)])
def test_without_a_port_label_the_lowest_exposed_port_is_taken(ports: tuple[int, ...], port: int) -> None:
    labels = {**ON, RULE: "Host(`blog.test`)"}
    assert translate([container(labels, ports=ports)]).servers == {"blog.test": [f"172.18.0.2:{port}"]}


def test_a_container_without_any_port_is_ignored() -> None:
    problem = refused(container({**ON, RULE: "Host(`blog.test`)"}))
    assert problem == "container one is ignored: it exposes no port, and no label names one"


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80 "])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert refused(container({**BLOG, PORT: port})) == f"container one is ignored: its port {port!r} is none"


@pytest.mark.parametrize("service", ["api", "api@docker"])
def test_a_router_may_name_its_service(service: str) -> None:
    labels = {
        **BLOG,
        "traefik.http.services.api.loadbalancer.server.port": "9000",
        "traefik.http.routers.blog.service": service,
    }
    assert translate([container(labels)]).servers == {"blog.test": ["172.18.0.2:9000"]}


def test_a_router_must_name_its_service_where_there_are_several() -> None:
    labels = {**BLOG, "traefik.http.services.api.loadbalancer.server.port": "9000"}
    assert refused(container(labels)) == (
        "router blog of container one is ignored: it names no service, and the container has several"
    )


def test_a_router_without_a_rule_is_ignored() -> None:
    labels = {**ON, PORT: "8080", "traefik.http.routers.blog.entrypoints": "web"}
    assert refused(container(labels)) == "router blog of container one is ignored: it names no rule"


def test_a_service_that_is_nowhere_is_named() -> None:
    problem = refused(container({**BLOG, "traefik.http.routers.blog.service": "api@file"}))
    assert problem == "router blog is ignored: there is no service api@file"


def test_a_service_of_another_container_may_be_named() -> None:
    alias = {**ON, "traefik.http.routers.alias.rule": "Host(`www.test`)", "traefik.http.routers.alias.service": "blog"}
    routing = translate([container(), other(alias, ports=(80,))])
    assert routing.servers == {"blog.test": ["172.18.0.2:8080"], "www.test": ["172.18.0.2:8080"]}


@pytest.mark.parametrize("reference", ["again", "again@docker", " again , again@docker"])
def test_retries_count_the_first_attempt_and_come_at_once(reference: str) -> None:
    assert balancing({MIDDLEWARES: reference, ATTEMPTS: "4"}) == {
        "selection_policy": {"policy": "round_robin"},
        "retries": 3,
        "try_interval": "0s",
        "retry_match": [{"method": ["NONE"]}],
    }


@pytest.mark.parametrize(("interval", "waited"), [("100ms", "100ms"), ("1.5s", "1.5s"), ("2", "2s")])
def test_retries_may_wait(interval: str, waited: str) -> None:
    assert balancing({MIDDLEWARES: "again", ATTEMPTS: "2", INTERVAL: interval})["try_interval"] == waited


@pytest.mark.parametrize(
    ("attempts", "interval"), [("0", "1s"), ("", "1s"), ("many", "1s"), ("-1", "1s"), ("3", "soon"), ("3", "1 s")]
)
def test_a_retry_with_a_wrong_number_takes_its_router_out(attempts: str, interval: str) -> None:
    problem = refused(container({**BLOG, MIDDLEWARES: "again", ATTEMPTS: attempts, INTERVAL: interval}))
    assert problem.startswith(
        f"router blog is ignored: middleware again has {attempts!r} attempts, with an interval of"
    )


def test_a_middleware_that_is_not_there_takes_its_router_out() -> None:
    problem = refused(container({**BLOG, MIDDLEWARES: "auth@file"}))
    assert problem == "router blog is ignored: there is no middleware auth@file"


def test_a_middleware_that_the_sandbox_does_not_know_is_named_and_has_no_effect() -> None:
    labels = {**BLOG, MIDDLEWARES: "zip", "traefik.http.middlewares.zip.compress": "true"}
    routing = translate([container(labels)])
    assert handler(routing) == handler(translate([container()]))
    assert routing.problems == ["middleware zip has no effect: the sandbox knows retry only"]


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("router", {}, {RULE: "Host(`www.test`)"}),
        ("router", {}, {"traefik.http.routers.blog.tls": "true"}),
        ("middleware", {ATTEMPTS: "2"}, {ATTEMPTS: "3"}),
        ("service", {}, {"traefik.http.services.blog.loadbalancer.passhostheader": "false"}),
    ],
)
def test_what_containers_describe_in_different_ways_is_dropped(
    kind: str, first: dict[str, str], second: dict[str, str]
) -> None:
    uses = {MIDDLEWARES: "again"} if kind == "middleware" else {}
    routing = translate([container({**BLOG, **uses, **first}), other({**BLOG, **uses, **second})])
    name = "again" if kind == "middleware" else "blog"
    assert routing.routes == [NOT_FOUND]
    assert routing.problems[0] == f"{kind} {name} is ignored: containers describe it in different ways"


def test_two_ports_of_one_service_are_no_difference() -> None:
    routing = translate([container(), other({**BLOG, PORT: "9090"})])
    assert routing.servers == {"blog.test": ["172.18.0.2:8080", "172.18.0.3:9090"]}
    assert routing.problems == []


def test_two_applications_have_a_route_each() -> None:
    shop = {
        **ON,
        "traefik.http.routers.shop.rule": "Host(`shop.test`)",
        "traefik.http.services.shop.loadbalancer.server.port": "9000",
    }
    routing = translate([container(), other(shop)])
    assert routing.servers == {"blog.test": ["172.18.0.2:8080"], "shop.test": ["172.18.0.3:9000"]}
    assert [route.get("match") for route in routing.routes] == [
        [{"host": ["blog.test"]}],
        [{"host": ["shop.test"]}],
        None,
    ]


def test_the_longer_rule_is_tried_first() -> None:
    both = {
        **ON,
        "traefik.http.routers.both.rule": "Host(`blog.test`) || Host(`www.test`)",
        "traefik.http.services.both.loadbalancer.server.port": "9000",
    }
    routing = translate([container(), other(both)])
    assert routing.routes[0]["match"] == [{"host": ["blog.test", "www.test"]}]
    assert routing.servers["blog.test"] == ["172.18.0.3:9000"]


def test_the_same_containers_in_another_order_give_the_same_routes() -> None:
    assert translate([container(), other()]) == translate([other(), container()])


def test_what_docker_says_of_a_container_is_understood() -> None:
    document = {
        "Name": "/blog-4f2a",
        "Config": {"Labels": BLOG},
        "State": {"Status": "running", "Health": {"Status": "starting"}},
        "NetworkSettings": {
            "Ports": {"8080/tcp": None, "8443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8443"}]},
            "Networks": {"web": {"IPAddress": "172.18.0.2"}},
        },
    }
    assert inspected(document) == Container("blog-4f2a", BLOG, "starting", {"web": "172.18.0.2"}, (8080, 8443))


def test_a_container_with_nothing_special_is_understood() -> None:
    document = {
        "Name": "/idle",
        "Config": {"Labels": None},
        "State": {"Status": "running"},
        "NetworkSettings": {"Ports": None, "Networks": {"none": {"IPAddress": ""}}},
    }
    assert inspected(document) == Container("idle", {}, None, {"none": ""}, ())


def test_caddy_accepts_the_routes(tmp_path: Path) -> None:
    labels = {**BLOG, MIDDLEWARES: "again", ATTEMPTS: "4", INTERVAL: "100ms"}
    config = tmp_path / "caddy.json"
    config.write_text(json.dumps(with_routes(translate([container(labels), other(labels)]).routes)))
    command = ["caddy", "validate", "--config", str(config)]
    done = subprocess.run(
        command, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
