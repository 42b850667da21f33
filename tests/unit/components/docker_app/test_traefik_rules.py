import pytest

from components.docker_app.traefik_rules import takes_all, takes_some

HOST = "blog.example.org"


@pytest.mark.parametrize(
    ("rule", "everything", "something"),
    [
        (f"Host(`{HOST}`)", True, True),
        (f" host ( `{HOST.upper()}` ) ", True, True),
        (f'Host("{HOST}")', True, True),
        (f"Host(`other.example.org`, `{HOST}`)", True, True),
        (f"Host(`other.example.org`) || Host(`{HOST}`)", True, True),
        (f"PathPrefix(`/x`) || (Host(`{HOST}`))", True, True),
        (f"Host(`{HOST}`) && PathPrefix(`/`)", True, True),
        (f"Host(`{HOST}`) && PathPrefix(`/api`)", False, True),
        (f"(Host(`{HOST}`) && !PathPrefix(`/api`)) || Host(`other.example.org`)", False, True),
        (f"Host(`{HOST}`) && Method(`GET`, `HEAD`)", False, True),
        (f"!Host(`{HOST}`)", False, False),
        (f"HostSNI(`{HOST}`)", False, False),
        (f"Host(`www.{HOST}`)", False, False),
        ("PathPrefix(`/`)", False, False),
        (f"Path(`Host({HOST})`)", False, False),
        (f"Host(`{HOST}`) ; drop", False, False),
        ("", False, False),
    ],
)
def test_rule_takes_all_or_some_requests_for_a_host(*, rule: str, everything: bool, something: bool) -> None:
    assert (takes_all(rule, HOST), takes_some(rule, HOST)) == (everything, something)


def test_rule_of_any_length_is_read_in_a_moment() -> None:
    assert takes_all(" || ".join([f"Host(`{number}.example.org`)" for number in range(2000)]), HOST) is False
    assert takes_some("(" * 20000 + " " * 20000, HOST) is False
