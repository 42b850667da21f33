"""Variables are resolved file by file, before anything else is read (compose-go: loader.go)."""

import re

import pytest

from tests.support.compose_files import problems, read

WEB = "services:\n  web:\n    image: IMAGE\n"


@pytest.mark.parametrize("count", [1, 2])
def test_variables_in_an_item_of_a_list_are_resolved_whatever_it_becomes(count: int) -> None:
    body = """\
    labels: ['traefik.http.routers.${NAME}.rule=Host(`a`)']
    environment: ['${P}_A=1', '${Q:-X=Y}']
    sysctls: ['net.core.${S}=1']
    networks: ['${NET:-front}']
"""
    first = f"{WEB}{body}networks: {{front: {{}}}}\n"
    texts = [first, f"services:\n  web:\n{body}"][:count]
    web = read(*texts, env={"NAME": "blog", "P": "M", "S": "somaxconn"}).services["web"]
    assert web.labels == {"traefik.http.routers.blog.rule": "Host(`a`)"}
    assert web.environment == {"M_A": "1", "X": "Y"}
    assert web.options == {"sysctls": {"net.core.somaxconn": "1"}}
    assert [one.network for one in web.networks] == ["front"]


def test_a_variable_that_is_not_set_is_no_problem_once_it_is_overridden() -> None:
    first = f"{WEB}    command: $NOT\n    environment: ['A=$NOT', B=$SET]\n    user: $NOT\n"
    later = "services:\n  web: {command: run, environment: {A: '1'}, user: '5'}\n"
    assert read(first, later, env={"SET": "2"}).services["web"].environment == {"A": "1", "B": "2"}
    assert [re.findall(r":([0-9]+)", problem)[0] for problem in problems(first)] == ["4", "5", "5", "6"]


def test_what_a_profile_leaves_out_needs_no_variable() -> None:
    text = f"{WEB}  debug: {{image: 'x:$NOT', profiles: [debug]}}\n"
    assert [*read(text).services] == ["web"]


def test_the_projects_name_is_a_variable() -> None:
    text = f"name: ${{N:-shop}}\n{WEB}    labels: ['a=$COMPOSE_PROJECT_NAME']\n"
    assert read(text).services["web"].labels == {"a": "shop"}
    assert read(text, project="other").services["web"].labels == {"a": "other"}
    assert read(text.partition("\n")[2]).services["web"].labels == {"a": "blog"}


def test_a_name_may_begin_like_a_key_of_the_author() -> None:
    text = f"x-all: {{a: $NOT}}\n{WEB}    x-mine: $NOT\n    depends_on: [x-ray]\n    volumes: ['x-data:/data']\n"
    project = read(f"{text}  x-ray: {{image: 'jaeger:1'}}\nvolumes: {{x-data: {{}}}}\n")
    assert ({*project.services}, [*project.volumes]) == ({"web", "x-ray"}, ["x-data"])


@pytest.mark.parametrize(
    ("image", "own"),
    [
        ("registry.example.com/group/${NAME:-blog}:${TAG}", True),
        ("registry.example.com/group/${NAME:-other}:1", False),
        ("registry.example.com/group/blog${SUFFIX:-}@${DIGEST}", True),
    ],
)
def test_the_stacks_image_is_known_whatever_variable_its_repository_has(image: str, *, own: bool) -> None:
    text = f"{WEB}  other: {{image: '{image}'}}\n"
    assert read(text).services["other"].is_stacks_own is own


@pytest.mark.parametrize("body", ["sysctls: ['${S}=1']", "labels: ['${S}=1']", "environment: ['${S}=1']"])
def test_the_name_of_a_key_is_no_place_for_a_secret(body: str) -> None:
    more = f"services:\n  web:\n    {body.partition('[')[0]}['b=1']\n"
    [problem] = problems(f"{WEB}    {body}\n", more, secrets=["S"])
    assert "takes S, which is encrypted, and this is no place for a secret" in problem


@pytest.mark.parametrize("given", ["{service: '${S}'}", "{file: '${S}', service: a}", "'${S}'"])
def test_no_service_is_extended_whose_name_is_encrypted(given: str) -> None:
    [problem] = problems(f"{WEB}    extends: {given}\n", secrets=["S"])
    assert "services.web.extends takes S, which is encrypted; put it into app.env" in problem
