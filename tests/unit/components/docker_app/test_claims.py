from dataclasses import replace

from components.docker_app.claims import taken
from components.docker_app.listed_container import ListedContainer
from components.settings.docker_host import Publish
from tests.support.docker_application import TARGET
from tests.unit.components.docker_app.test_drift import HOST, ID, KNOWN, OWN, container

PUBLISHED = replace(TARGET, host=None, publish=Publish(port=80))


def test_own_containers_stand_in_nobodys_way() -> None:
    by_id = ListedContainer(id=KNOWN["id"], name="web-prod", published=(("0.0.0.0", 80),))
    for target, present in ((TARGET, OWN), (TARGET, container("left", ID)), (PUBLISHED, by_id)):
        assert taken(target, [present], identity=ID, known=KNOWN) == []


def test_name_and_port_of_another_clone_are_taken() -> None:
    labels = {"gitlab-deploy.id": "other-id", "gitlab-deploy.stack": "gitlab-deploy/prod/web-prod"}
    other = ListedContainer(id="c" * 64, name="web-prod", labels=labels, published=(("127.0.0.1", 80),))
    name, port = taken(PUBLISHED, [other], identity=ID, known=KNOWN)
    shown = "'web-prod' (stack 'gitlab-deploy/prod/web-prod', of another state) on ssh://deploy@host"
    assert name.startswith(f"The name web-prod is taken by a container that this stack did not create, {shown}; set")
    assert port.startswith(f"Port 80 is held by a container that this stack did not create, {shown}; publish another")


def test_route_to_the_same_host_is_taken_and_that_of_another_host_is_not() -> None:
    [problem] = taken(TARGET, [container("rival")], identity=ID, known=None)
    assert problem.startswith(f"The host {HOST} is routed to a container that this stack did not create, 'rival' on")
    assert taken(replace(TARGET, host="other.example.org"), [container("rival")], identity=ID, known=None) == []
    assert taken(PUBLISHED, [container("rival")], identity=ID, known=None) == []
