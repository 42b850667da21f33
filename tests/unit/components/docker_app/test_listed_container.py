import pytest

from components.docker_app.listed_container import ListedContainer, read_listing

ID = "7f1f2f3e-0000-4000-8000-000000000001"


def test_container_is_known_by_the_id_of_its_stack_and_not_by_its_name() -> None:
    labels = {"gitlab-deploy.stack": "gitlab-deploy/prod/web-prod", "gitlab-deploy.id": ID}
    [container] = read_listing([{"Id": "a", "Names": ["/web"], "Labels": labels}])
    assert container.identity == ID


@pytest.mark.parametrize(
    ("state", "status", "stopped", "unhealthy"),
    [
        ("running", "Up 3 minutes (healthy)", False, False),
        ("running", "Up 3 minutes (unhealthy)", False, True),
        ("paused", "Up 3 minutes (Paused)", False, False),
        ("exited", "Exited (0) 3 minutes ago", True, False),
        ("created", "Created", True, False),
    ],
)
def test_state_and_health_are_in_the_listing(*, state: str, status: str, stopped: bool, unhealthy: bool) -> None:
    [container] = read_listing([{"Id": "a", "Names": ["/web"], "State": state, "Status": status}])
    assert (container.is_stopped, container.is_unhealthy) == (stopped, unhealthy)


def test_exit_code_and_volumes_without_a_name_are_in_the_listing() -> None:
    named, own = (
        {"Type": "volume", "Name": name, "Destination": at} for name, at in (("data", "/a"), ("a" * 64, "/b"))
    )
    item = {"Id": "a", "State": "exited", "Status": "Exited (137) 2 days ago", "Mounts": [named, own, {"Type": "bind"}]}
    [container] = read_listing([item])
    assert (container.exit_code, container.unnamed) == (137, {"/b": "a" * 64})


@pytest.mark.parametrize(
    ("held", "address", "holds"),
    [
        ({"IP": "127.0.0.1", "PublicPort": 80}, "127.0.0.1", True),
        ({"IP": "0.0.0.0", "PublicPort": 80}, "127.0.0.1", True),
        ({"IP": "127.0.0.1", "PublicPort": 80}, "0.0.0.0", True),
        ({"IP": "192.0.2.1", "PublicPort": 80}, "127.0.0.1", False),
        ({"IP": "::", "PublicPort": 80}, "127.0.0.1", False),
        ({"IP": "::", "PublicPort": 80}, "::1", True),
        ({"IP": "127.0.0.1", "PublicPort": 81}, "127.0.0.1", False),
        ({"IP": "127.0.0.1", "PublicPort": 80, "Type": "udp"}, "127.0.0.1", False),
        ({"PrivatePort": 80}, "127.0.0.1", False),
    ],
)
def test_port_is_held_at_its_address_or_at_all_of_them(*, held: dict[str, object], address: str, holds: bool) -> None:
    [container] = read_listing([{"Id": "a", "Names": ["/web"], "Ports": [{"Type": "tcp", **held}]}])
    assert container.holds(address, 80) is holds


@pytest.mark.parametrize(
    ("names", "name"), [(["/shop/db", "/db"], "db"), (["/db", "/shop/db"], "db"), ([], ""), (None, "")]
)
def test_name_by_which_another_container_links_to_it_is_not_its_own(names: list[str] | None, name: str) -> None:
    [container] = read_listing([{"Id": "a", "Names": names, "Labels": None}])
    assert (container.name, container.labels) == (name, {})


RULE = "traefik.http.routers.x.rule"
HOST = "blog.example.org"


@pytest.mark.parametrize(
    ("labels", "state", "takes", "touches"),
    [
        ({RULE: f"Host(`{HOST}`)"}, "running", True, True),
        ({RULE: f"Host(`{HOST}`)"}, "paused", True, True),
        ({RULE: f"Host(`{HOST}`)"}, "exited", False, True),
        ({RULE.upper(): f"Host(`{HOST}`)"}, "running", True, True),
        ({RULE: f"Host(`{HOST}`) && PathPrefix(`/a`)"}, "running", False, True),
        ({RULE: f"Host(`{HOST}`)", "traefik.enable": "false"}, "running", False, False),
        ({RULE: f"Host(`{HOST}`)", "traefik.http.routers.x.entryPoints": "web, websecure"}, "running", True, True),
        ({RULE: f"Host(`{HOST}`)", "traefik.http.routers.x.entrypoints": "web"}, "running", False, True),
        ({RULE: "Host(`example.org`)"}, "running", False, False),
        ({"note": f"Host(`{HOST}`)"}, "running", False, False),
    ],
)
def test_route_is_a_rule_of_a_router_at_the_same_entry_point(
    *, labels: dict[str, str], state: str, takes: bool, touches: bool
) -> None:
    container = ListedContainer(id="a", name="a", labels=labels, state=state)
    assert (container.takes(HOST, "websecure"), container.touches(HOST)) == (takes, touches)
