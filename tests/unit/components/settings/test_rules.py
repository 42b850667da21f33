import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import rules

HOSTILE = [
    "",
    "a" * 254,
    "UPPER",
    "-a",
    "a-",
    "a_b",
    "a b",
    "a\n",
    "ä",
    "../x",
    "$(x)",
    "-oProxyCommand=x",
    "a\u202eb",
    "😀",
]


@pytest.mark.parametrize(
    "rule", [rules.dns_label, rules.dns_subdomain, rules.namespace, rules.service_name, rules.rotation]
)
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_names_are_refused(rule: rules.Rule, value: str) -> None:
    reason = rule(value)
    assert reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.dns_label, ["a", "a-1", "a" * 63, "0123"], ["a" * 64, "a.b"]),
        (rules.dns_subdomain, ["a.b", "x" * 63 + ".org"], ["a..b", ".a", "x" * 64 + ".org"]),
        (rules.namespace, ["example"], ["default", "kube-system", "kube-x"]),
        (rules.service_name, ["web"], ["1web"]),
        (
            rules.server_url,
            ["https://kube.example.com", "https://10.0.0.1:6443", "https://[2001:db8::1]:6443", "https://k/k8s/c-1"],
            [
                "http://k",
                "k:6443",
                "https://",
                "https://u:p@k",
                "https://k?a=b",
                "https://k y",
                "https://k:99999",
                "https://-o",
            ],
        ),
        (
            rules.gitlab_url,
            ["https://gitlab.com", "https://h/gitlab", "http://127.0.0.1:8080", "http://10.1.2.3", "http://localhost"],
            ["http://gitlab.example.com", "ftp://g", "gitlab.com", "https://glpat-x@g"],
        ),
        (rules.gitlab_project, ["group/blog", "g/s/b", "20"], ["blog", "/b", "g/", "g//b", "g/b c"]),
        (rules.preview_scope, ["preview/*", "preview/staging"], ["", "*", "production", "preprod", "preview/a,b"]),
        (rules.environment_scope, ["*", "production", "review/*"], ["", " a", "a,b", "a\n", "x" * 256]),
        (rules.rotation, ["2026-11", "1"], ["2026.11", "x" * 41, "2026-11-01T00:00:00Z"]),
        (rules.quantity, ["50m", "1", "0.5", "128Mi"], ["0", "-1", "1 Mi", "1MB", "", "0.0", "."]),
        (rules.http_path, ["/", "/healthz"], ["", "healthz", "/a b", "/a?b=c", "/a\n"]),
        (rules.mount_path, ["/tmp", "/var/cache/nginx"], ["/", "tmp", "/a/../b", "/a:b"]),
        (rules.cidr, ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32"], ["10.0.0.1/8", "a", ""]),
        (
            rules.docker_address,
            ["ssh://deploy@host", "ssh://d-1@host.example.com:2222", "ssh://root@10.0.0.1", "ssh://a@[2001:db8::1]:22"],
            [
                "ssh://-oProxyCommand=x@host",
                "ssh://deploy@-oProxyCommand=x",
                "ssh://host",
                "tcp://deploy@host",
                "ssh://deploy@host:0",
                "ssh://deploy@host:65536",
                "ssh://deploy@host/path",
                "ssh://deploy:password@host",
                "ssh://deploy@ho st",
                "ssh://deploy@host\n",
                "ssh://$(x)@host",
            ],
        ),
        (
            rules.host_key,
            ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1"],
            [
                "",
                "ssh-ed25519",
                "ssh-ed25519 AAAA",
                "host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1 comment",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1\nssh-rsa AAAA",
                "ssh-dss AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV",
                "ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
            ],
        ),
        (
            rules.key_file,
            ["~/.ssh/deploy", "/run/key", "${SSH_KEY}", "${HOME}/key"],
            ["", "-oProxyCommand=x", "key", "$(x)", "`x`", "~/a b", "$SSH_KEY", "/a\n"],
        ),
        (rules.docker_name, ["web", "My_net.1"], ["", "a", "-web", "a b", "a/b", "a" * 64]),
        (rules.registry, ["registry.example.com", "r:5000"], ["", "r:0", "r:x", "https://r", "r/p", "R"]),
        (rules.day, ["2027-01-31"], ["2027-02-30", "", "tomorrow", "2027-01-31T00:00:00Z"]),
        (rules.argument, ["-q", "http://127.0.0.1/", "a b"], ["", " ", "a\nb", "\x00"]),
        (rules.bind_address, ["127.0.0.1", "0.0.0.0", "::1"], ["", "localhost", "127.0.0.1:80"]),
        (rules.env_name, ["A", "a_1"], ["1A", "A-B", "", "A=B"]),
    ],
)
def test_rules_accept_and_refuse(rule: rules.Rule, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if rule(value)] == []
    assert [value for value in bad if not rule(value)] == []


@given(st.text())
def test_no_rule_fails_on_any_text(value: str) -> None:
    every = [
        rule
        for name, rule in vars(rules).items()
        if getattr(rule, "__module__", "") == rules.__name__ and name[0] != "_"
    ]
    applied = [rule(value) for rule in every if rule not in (rules.require, rules.quoted)]
    assert len(applied) > 10
    assert all(reason is None or "\n" not in reason for reason in applied)
