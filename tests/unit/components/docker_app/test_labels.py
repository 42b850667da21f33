from dataclasses import replace

from components.docker_app.labels import Route, labels

ROUTE = Route(
    name="web", host="blog.example.org", port=8080, network="traefik", entry_point="websecure", cert_resolver=None
)


def router(route: Route) -> str:
    [key] = [key for key in labels("owner", route) if key.endswith(".rule")]
    return key


def test_router_leads_to_the_port_of_the_container() -> None:
    found = labels("owner", ROUTE)
    name = router(ROUTE).split(".")[3]
    assert found["gitlab-deploy.stack"] == "owner"
    assert found["traefik.enable"] == "true"
    assert found["traefik.docker.network"] == "traefik"
    assert found[f"traefik.http.routers.{name}.rule"] == "Host(`blog.example.org`)"
    assert found[f"traefik.http.routers.{name}.service"] == name
    assert found[f"traefik.http.services.{name}.loadbalancer.server.port"] == "8080"
    assert f"traefik.http.routers.{name}.tls.certresolver" not in found


def test_names_change_with_the_route_and_with_nothing_else() -> None:
    assert router(replace(ROUTE)) == router(ROUTE)
    changes = ({"host": "other.example.org"}, {"port": 9000}, {"entry_point": "web"}, {"cert_resolver": "le"})
    routers = {router(ROUTE), *(router(replace(ROUTE, **change)) for change in changes)}
    assert len(routers) == 5


def test_container_without_a_route_is_not_exposed_by_a_traefik_that_exposes_all() -> None:
    assert labels("owner", None) == {"gitlab-deploy.stack": "owner", "traefik.enable": "false"}
