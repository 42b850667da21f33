import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import kubernetes_rules, rules
from components.settings.rule import Rule

PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\n-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.DNS_LABEL, ["a", "a-1", "a" * 63, "0123"], ["a" * 64, "a.b"]),
        (rules.DNS_NAME, ["a.b", "x" * 63 + ".org"], ["a..b", ".a", "x" * 64 + ".org"]),
        (rules.OWN_NAMESPACE, ["example"], ["default", "kube-system", "kube-x"]),
        (rules.SERVICE_NAME, ["web"], ["1web"]),
        (
            rules.SERVER_URL,
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
            rules.GITLAB_URL,
            ["https://gitlab.com", "https://h/gitlab", "http://127.0.0.1:8080", "http://10.1.2.3", "http://localhost"],
            ["http://gitlab.example.com", "ftp://g", "gitlab.com", "https://glpat-x@g"],
        ),
        (
            rules.GITLAB_PROJECT,
            ["group/blog", "g/s/b", "20"],
            ["blog", "/b", "g/", "g//b", "g/b c", "group/..", "g/-b", "g/b.git"],
        ),
        (rules.PREVIEW_SCOPE, ["preview/*", "preview/staging"], ["", "*", "production", "preprod", "preview/a,b"]),
        (rules.ENVIRONMENT_SCOPE, ["*", "production", "review/*"], ["", " a", "a,b", "a\n", "x" * 256]),
        (rules.ROTATION, ["2026-11", "1"], ["2026.11", "x" * 41, "2026-11-01T00:00:00Z"]),
        (rules.CPU, ["50m", "1", "0.5"], ["0", "-1", "1 m", "128Mi", "", "0.0", ".", "0m", "0.0001"]),
        (rules.MEMORY, ["16Mi", "256Mi", "2Gi"], ["15Mi", "0Gi", "256", "256M", "0.5Gi", "256Mi ", "", "-1Gi"]),
        (rules.HTTP_PATH, ["/", "/healthz"], ["", "healthz", "/a b", "/a?b=c", "/a\n"]),
        (rules.MOUNT_PATH, ["/tmp", "/var/cache/nginx"], ["/", "tmp", "/a/../b", "/a:b"]),
        (
            kubernetes_rules.EGRESS,
            ["internet", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32"],
            ["10.0.0.1/8", "a", "", "Internet"],
        ),
        (
            rules.DOCKER_ADDRESS,
            ["ssh://deploy@host", "ssh://d-1@host.example.com:2222", "ssh://root@10.0.0.1", "ssh://a@[2001:db8::1]:22"],
            [
                "ssh://-oProxyCommand=x@host",
                "ssh://deploy@-oProxyCommand=x",
                "ssh://host",
                "tcp://deploy@host",
                "ssh://deploy@host:0",
                "ssh://deploy@host:65536",
                "ssh://deploy@host/path",
                "ssh://deploy:password@host",  # pragma: allowlist secret
                "ssh://deploy@ho st",
                "ssh://deploy@host\n",
                "ssh://$(x)@host",
            ],
        ),
        (
            rules.HOST_KEY,
            [
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1 root@host",
            ],
            [
                "",
                "ssh-ed25519",
                "ssh-ed25519 AAAA",
                "host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1 two words",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1\nssh-rsa AAAA",
                "ssh-dss AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV",
                "ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
            ],
        ),
        (
            rules.KEY_FILE,
            ["~/.ssh/deploy", "/run/key", "${SSH_KEY}", "${HOME}/key"],
            ["", "-oProxyCommand=x", "key", "$(x)", "`x`", "~/a b", "$SSH_KEY", "/a\n"],
        ),
        (rules.DOCKER_NAME, ["web", "My_net.1"], ["", "a", "-web", "a b", "a/b", "a" * 64]),
        (rules.REGISTRY, ["registry.example.com", "r:5000"], ["", "r:0", "r:x", "https://r", "r/p", "R"]),
        (rules.LOGIN, ["robot$blog", "_json_key", "a@example.org"], ["", "a:b", "a b", "a\n", "x" * 256]),
        (rules.DAY, ["2027-01-31"], ["2027-02-30", "", "tomorrow", "2027-01-31T00:00:00Z", "20270131"]),
        (rules.ARGUMENT, ["-q", "http://127.0.0.1/", "a b"], ["", " ", "a\nb", "\x00"]),
        (rules.BIND_ADDRESS, ["127.0.0.1", "0.0.0.0", "::1"], ["", "localhost", "127.0.0.1:80"]),
        (
            rules.ENV_NAME,
            ["A", "a_1", "spring.active", "A-B", ".a"],
            ["1A", "", "A=B", ".", "..", "..a", "a b", "a" * 254],
        ),
        (rules.SCRIPT, ["serve", "set -e\nexec serve\n", "ä"], ["", " ", "\n", "a\x00"]),
        (kubernetes_rules.ANNOTATION, ["cert-manager.io/cluster-issuer", "note"], ["", "/a", "a b", "a/b/c"]),
        (
            kubernetes_rules.SECRET_KEY,
            ["db/password", "a.b/tls.key"],
            ["", "db", "db/", "/a", "db/a/b", "DB/a", "db/.."],
        ),
        (kubernetes_rules.STORAGE, ["10Gi", "1Ti", "512Mi"], ["0Gi", "10", "10G", "1.5Gi", "", "-1Gi"]),
        (
            kubernetes_rules.CERTIFICATES,
            ["system", PEM, PEM + "\n", f"{PEM}\n{PEM}\n"],
            [
                "",
                "System",
                PEM[:-1],
                PEM.replace("MII", "AII"),
                PEM.replace("MII", "!II"),
                "-----BEGIN CERTIFICATE-----",
            ],
        ),
        (
            kubernetes_rules.PROXY_URL,
            ["http://proxy:3128", "https://10.0.0.1", "socks5://[2001:db8::1]:1080", "socks5://localhost:1080/"],
            ["", "proxy:3128", "ftp://proxy", "http://user:" + "password@proxy", "http://proxy/path"],
        ),
    ],
)
def test_rules_accept_and_refuse(rule: Rule, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not rule.accepts(value)] == []
    assert [value for value in bad if rule.accepts(value)] == []


@given(st.text())
def test_no_rule_fails_on_any_text(value: str) -> None:
    every = [rule for module in (rules, kubernetes_rules) for rule in vars(module).values() if isinstance(rule, Rule)]
    assert len(every) > 10
    for rule in every:
        rule.accepts(value)
