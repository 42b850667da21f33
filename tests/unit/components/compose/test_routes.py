from components.compose.interpolation import mark
from components.compose.routes import of_generation, port, probed, routes
from components.docker_app.swap import Generation

FIRST = Generation(number=1, token="one")
NEXT = Generation(number=2, token="two")
LABELS = {
    "traefik.enable": "true",
    "traefik.http.routers.shop.rule": "Host(`a.example.org`) && PathPrefix(`/shop`)",
    "traefik.http.routers.shop.entrypoints": "web, websecure",
    "traefik.http.routers.shop.middlewares": "strip, auth@file,strip@docker",
    "traefik.http.middlewares.strip.stripprefix.prefixes": "/shop",
    "traefik.http.services.shop.loadbalancer.server.port": "8080",
    "org.example.note": "kept",
}
RULE = len(LABELS["traefik.http.routers.shop.rule"])


def test_routers_and_services_are_the_containers_own_and_the_newer_one_wins() -> None:
    found = of_generation(LABELS, "web", FIRST)
    router = {key.rpartition(".")[2]: found[key] for key in found if key.startswith("traefik.http.routers.shop-one.")}
    middleware = router.pop("middlewares").split(",")
    assert router == {
        "rule": LABELS["traefik.http.routers.shop.rule"],
        "entrypoints": "web, websecure",
        "priority": str(RULE + 1),
        "service": "shop-one",
    }
    assert found["traefik.http.services.shop-one.loadbalancer.server.port"] == "8080"
    assert middleware[1] == "auth@file"
    assert middleware[0] == middleware[2]
    # Whoever else refers to the middleware finds it.
    assert found["traefik.http.middlewares.strip.stripprefix.prefixes"] == "/shop"
    assert found[f"traefik.http.middlewares.{middleware[0]}.stripprefix.prefixes"] == "/shop"
    assert (found["traefik.enable"], found["org.example.note"]) == ("true", "kept")
    assert not [label for label in found if ".shop." in label and "routers" in label]


def test_one_path_tells_whose_answer_it_is_and_fails_if_the_route_does() -> None:
    found = of_generation(LABELS, "web", FIRST)
    own = "traefik.http.routers.shop-one-probe."
    probe = {label.removeprefix(own): value for label, value in found.items() if label.startswith(own)}
    route = "traefik.http.routers.shop-one."
    assert probe == {
        "rule": "Host(`a.example.org`) && Path(`/.well-known/gitlab-deploy/one`)",
        "priority": "1000000000",
        "entrypoints": "web, websecure",
        "service": "shop-one",
        "middlewares": f"shop-one-probe,{found[f'{route}middlewares']}",
    }
    header = "traefik.http.middlewares.shop-one-probe.headers.customresponseheaders.X-Gitlab-Deploy"
    assert found[header] == "one"
    anywhere = {"traefik.http.routers.shop.rule": "PathPrefix(`/`)"}
    assert not [label for label in of_generation(anywhere, "web", FIRST) if "probe" in label]


def test_the_router_with_tls_is_asked_if_there_are_two() -> None:
    labels = {
        "traefik.http.routers.plain.rule": "Host(`a.example.org`)",
        "traefik.http.routers.plain.entrypoints": "web",
        "traefik.http.routers.safe.rule": "Host(`a.example.org`)",
        "traefik.http.routers.safe.tls.certresolver": "letsencrypt",
    }
    route = probed(labels)
    assert route is not None
    assert (route.name, route.tls) == ("safe", True)


def test_a_middleware_that_changes_gets_another_name() -> None:
    key = "traefik.http.middlewares.strip.stripprefix.prefixes"
    used = {
        prefix: of_generation(LABELS | {key: prefix}, "web", FIRST)["traefik.http.routers.shop-one.middlewares"]
        for prefix in ("/shop", "/other")
    }
    assert used["/shop"] != used["/other"]


def test_a_priority_of_the_file_is_the_lowest() -> None:
    found = of_generation(
        LABELS | {"traefik.http.routers.shop.Priority": "50"}, "web", Generation(number=13, token="x")
    )
    assert found["traefik.http.routers.shop-x.priority"] == "53"


def test_a_router_without_a_service_gets_one_that_no_other_container_has() -> None:
    labels = {"traefik.http.routers.shop.rule": "Host(`a.example.org`)"}
    found = of_generation(labels, "web", FIRST)
    assert {label: value for label, value in found.items() if "-probe" not in label} == {
        "traefik.http.routers.shop-one.rule": "Host(`a.example.org`)",
        "traefik.http.routers.shop-one.priority": str(len("Host(`a.example.org`)") + 1),
        "traefik.http.routers.shop-one.service": "web-one",
        "traefik.http.services.web-one.loadbalancer.server.scheme": "http",
    }


def test_a_service_of_another_provider_is_left_alone() -> None:
    labels = LABELS | {
        "traefik.http.routers.api.rule": "Host(`b.example.org`)",
        "traefik.http.routers.api.service": "api@internal",
        "traefik.http.routers.shop.service": "shop@docker",
    }
    found = of_generation(labels, "web", FIRST)
    assert found["traefik.http.routers.api-one.service"] == "api@internal"
    assert found["traefik.http.routers.shop-one.service"] == "shop-one"


def test_the_router_before_is_taken_away_when_the_priority_starts_over() -> None:
    found = of_generation(LABELS, "web", Generation(number=20, token="new", before="old"))
    assert found["traefik.http.routers.shop-new.priority"] == str(RULE)
    assert found["traefik.http.routers.shop-old.rule"] == "Path(`/.well-known/gitlab-deploy/over/old`)"
    assert found["traefik.http.routers.shop-old.service"] == "shop-new"
    first = of_generation(LABELS, "web", Generation(number=10, token="new"))
    assert not [label for label in first if "shop-old" in label]


def test_routes_and_port_are_those_of_the_labels() -> None:
    (route,) = routes(LABELS)
    assert (route.name, route.hosts, route.entry_points) == ("shop", ("a.example.org",), ("web", "websecure"))
    assert port(LABELS) == 8080
    assert port({}) is None


def test_what_refers_to_the_containers_own_service_finds_that_of_its_generation() -> None:
    labels = {
        "traefik.http.routers.pages.rule": "HostRegexp(`.+`)",
        "traefik.http.routers.pages.middlewares": "all",
        "traefik.http.middlewares.pages.errors.status": "400-599",
        "traefik.http.middlewares.pages.errors.service": "pages",
        "traefik.http.middlewares.all.chain.middlewares": "pages@docker, auth@file",
        "traefik.http.services.pages.loadbalancer.server.port": "8080",
    }
    found = of_generation(labels, "web", FIRST)
    at = "traefik.http.middlewares"
    chain = found["traefik.http.routers.pages-one.middlewares"]
    pages, auth = found[f"{at}.{chain}.chain.middlewares"].split(",")
    assert (found[f"{at}.{pages}.errors.service"], found[f"{at}.{pages}.errors.status"]) == ("pages-one", "400-599")
    assert (auth, found["traefik.http.services.pages-one.loadbalancer.server.port"]) == ("auth@file", "8080")
    # Those of the next generation have other names: Traefik drops what two containers define differently.
    later = of_generation(labels, "web", Generation(number=2, token="two"))
    shared = {label.split(".")[3] for label in found if label.startswith(at)} & {
        label.split(".")[3] for label in later if label.startswith(at)
    }
    assert shared == {"pages", "all"}
    # Routers of other containers use the middleware by the name that its label gives it.
    assert found[f"{at}.pages.errors.service"] == "pages"
    assert found["traefik.http.services.pages.loadbalancer.server.port"] == "8080"


def test_a_router_that_goes_by_the_default_rule_has_its_service_too() -> None:
    labels = {
        "traefik.http.routers.web.middlewares": "err",
        "traefik.http.middlewares.err.errors.service": "web",
        "traefik.http.services.web.loadbalancer.server.port": "80",
    }
    assert of_generation(labels, "web", FIRST)["traefik.http.routers.web-one.service"] == "web-one"


def test_a_service_of_another_provider_is_not_the_containers_own() -> None:
    labels = {
        "traefik.http.middlewares.err.errors.service": "web@file",
        "traefik.http.services.web.loadbalancer.server.port": "80",
    }
    found = of_generation(labels, "web", FIRST)
    assert "traefik.http.services.web.loadbalancer.server.port" not in found


def test_a_middleware_with_an_encrypted_value_is_that_of_its_generation() -> None:
    labels = {
        "traefik.http.routers.web.middlewares": "auth",
        "traefik.http.middlewares.auth.basicauth.users": mark("USERS"),
    }
    used = [
        of_generation(labels, "web", one)[f"traefik.http.routers.web-{one.token}.middlewares"] for one in (FIRST, NEXT)
    ]
    assert used[0] != used[1]
