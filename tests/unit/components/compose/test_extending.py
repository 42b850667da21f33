"""Services that extend another one, in the order in which compose does it."""

from tests.support.compose_files import problems, read

WEB = "services:\n  web: {image: IMAGE, extends: base}\n  base: {image: 'a:1', environment: {A: '1'}}\n"


def test_what_a_later_file_says_of_the_base_is_not_for_what_extends_it() -> None:
    project = read(WEB, "services:\n  base: {environment: {A: '2'}, privileged: true}\n")
    assert (project.services["web"].environment, project.services["web"].options) == ({"A": "1"}, {})
    assert (project.services["base"].environment, project.services["base"].options) == (
        {"A": "2"},
        {"privileged": True},
    )


def test_the_file_that_is_named_may_have_a_variable() -> None:
    text = "services:\n  web: {image: IMAGE, extends: {file: '${F:-c.yml}', service: base}}\n"
    files = {"c.yml": "services: {base: {labels: ['a.$L=1'], ports: ['1:1']}}\n"}
    web = read(text, files=files, env={"L": "b"}).services["web"]
    assert web.labels == {"a.b": "1"}
    [problem] = problems(text.replace(":-c.yml", ""))
    assert problem.startswith("compose.0.yml:2 services.web.extends takes $F, which is not set")


def test_a_service_may_take_away_what_it_extends() -> None:
    text = "services:\n  web: {extends: base, ports: !override ['2:2'], user: !reset null}\n"
    text += "  base: {image: IMAGE, ports: ['1:1'], user: '5'}\n"
    web = read(text).services["web"]
    assert ([port.external for port in web.ports], web.options) == ([2], {})


def test_a_variable_that_the_base_lacks_is_no_problem_if_it_is_overridden() -> None:
    text = "services:\n  web: {extends: {file: c.yml, service: base}, image: IMAGE, user: '5'}\n"
    files = {"c.yml": "services:\n  base: {image: '$NOT', user: $NOT}\n"}
    assert read(text, files=files).services["web"].options == {"user": "5"}
    [problem] = problems(text.replace(", user: '5'", ""), files=files)
    assert problem.startswith("c.yml:2 services.web.user takes $NOT, which is not set")
