import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.access import kubeconfig, masking
from components.image import reference as image
from components.settings import rules
from components.settings.problem import quoted

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("blog", ("blog", None, None)),
        ("blog:1.0.0", ("blog", "1.0.0", None)),
        ("registry.example.com:5000/group/blog:1.0.0", ("registry.example.com:5000/group/blog", "1.0.0", None)),
        (f"registry.example.com/group/blog@{DIGEST}", ("registry.example.com/group/blog", None, DIGEST)),
        (f"[2001:db8::1]:5000/blog:a@{DIGEST}", ("[2001:db8::1]:5000/blog", "a", DIGEST)),
    ],
)
def test_image_reference_is_taken_apart(reference: str, parts: tuple[str, str | None, str | None]) -> None:
    parsed = image.parse(reference)
    assert parsed
    assert (parsed.name, parsed.tag, parsed.digest) == parts


@pytest.mark.parametrize(
    "reference",
    [
        "",
        " ",
        "Blog:1",
        "blog:",
        "blog:1 ",
        "blog:1\n",
        "blog@sha256:abc",
        f"blog@{DIGEST}0",
        "-blog",
        "a//b",
        "https://r/b",
        "b:" + "t" * 129,
        "blög",
        "$(x)",
        "../b",
        "a" * 256,
    ],
)
def test_image_reference_that_is_malformed_is_refused_with_the_value(reference: str) -> None:
    assert image.parse(reference) is None
    assert rules.refusing((rules.IMAGE, rules.IMMUTABLE), reference) == rules.IMAGE
    with pytest.raises(ValueError, match=re.escape(f"image: {quoted(reference)} is not an image reference; use ")):
        rules.require("image", reference, rules.IMAGE)


@pytest.mark.parametrize("reference", ["registry.example.com/group/blog", "blog:latest"])
def test_image_that_is_another_one_every_day_is_refused_unless_a_digest_says_which(reference: str) -> None:
    assert rules.refusing((rules.IMAGE, rules.IMMUTABLE), reference) == rules.IMMUTABLE
    for good in (f"{reference}@{DIGEST}", "blog:1.0.0", "r:5000/blog:1"):
        assert rules.refusing((rules.IMAGE, rules.IMMUTABLE), good) is None


@pytest.mark.parametrize(
    ("value", "raw", "rule"),
    [
        ("a" * 7, True, "at least 8 characters"),
        ("", True, "at least 8 characters"),
        ("aaaa aaaa", True, "no white space"),
        ("aaaaaaaa\n", True, "no white space"),
        ("aaaa\taaaa", False, "no white space"),
        ('{"a":"bcd"}', False, "not raw"),
        ("aaaa$aaaa", False, "not raw"),
        ("ääääääää", False, "not raw"),
    ],
)
def test_value_gitlab_cannot_mask_is_refused_by_the_rule_and_never_shown(value: str, raw: bool, rule: str) -> None:
    reason = masking.refusal(value, raw=raw)
    assert reason
    assert rule in reason
    assert not value or value not in reason


@pytest.mark.parametrize(
    ("value", "raw"), [("a" * 8, False), ("Ab1_+=/@:.~-", False), ('{"a":"$b,c"}', True), ("aaaa\u00a0aaaa", True)]
)
def test_value_gitlab_can_mask_is_accepted(value: str, raw: bool) -> None:
    assert masking.refusal(value, raw=raw) is None


@given(st.text(max_size=20), st.booleans())
def test_mask_rules_agree_with_gitlabs_expressions(value: str, raw: bool) -> None:
    # From GitLab's app/models/concerns/ci/maskable.rb, in Python's notation.
    expression = r"\S{8,}" if raw else r"[a-zA-Z0-9_+=/@:.~-]{8,}"
    accepted = re.fullmatch(expression, value, re.ASCII) is not None
    assert (masking.refusal(value, raw=raw) is None) == accepted


def test_size_above_4_kib_is_a_warning_that_does_not_show_the_value() -> None:
    assert masking.size_warning("KUBECONFIG", "x" * 4096) is None
    warning = masking.size_warning("KUBECONFIG", "x" * 4097)
    assert warning
    assert "KUBECONFIG" in warning
    assert "4097" in warning
    assert "xxx" not in warning


def render(token: str = "header.payload.signature") -> str:
    return kubeconfig.render(
        cluster="production",
        server="https://kube.example.com:6443",
        certificate_authority_data=base64.b64encode(b"P" * 1500).decode(),
        namespace="example",
        user="gitlab-example",
        token=token,
    )


def test_kubeconfig_can_be_masked_in_both_forms() -> None:
    assert masking.refusal(render(), raw=True) is None
    assert masking.refusal(kubeconfig.to_base64(render()), raw=False) is None


def test_kubeconfig_names_one_context_and_uses_it() -> None:
    config = json.loads(render())
    assert config["current-context"] == "production"
    assert [context["name"] for context in config["contexts"]] == ["production"]
    assert config["contexts"][0]["context"] == {
        "cluster": "production",
        "namespace": "example",
        "user": "gitlab-example",
    }


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


@pytest.mark.parametrize("rule", [rules.DNS_LABEL, rules.DNS_NAME, rules.SERVICE_NAME, rules.ROTATION])
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_names_are_refused(rule: rules.Rule, value: str) -> None:
    assert not rule.accepts(value)


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
        (rules.CIDR, ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32"], ["10.0.0.1/8", "a", ""]),
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
            rules.KEY_FILE,
            ["~/.ssh/deploy", "/run/key", "${SSH_KEY}", "${HOME}/key"],
            ["", "-oProxyCommand=x", "key", "$(x)", "`x`", "~/a b", "$SSH_KEY", "/a\n"],
        ),
        (rules.DOCKER_NAME, ["web", "My_net.1"], ["", "a", "-web", "a b", "a/b", "a" * 64]),
        (rules.REGISTRY, ["registry.example.com", "r:5000"], ["", "r:0", "r:x", "https://r", "r/p", "R"]),
        (rules.DAY, ["2027-01-31"], ["2027-02-30", "", "tomorrow", "2027-01-31T00:00:00Z", "20270131"]),
        (rules.ARGUMENT, ["-q", "http://127.0.0.1/", "a b"], ["", " ", "a\nb", "\x00"]),
        (rules.BIND_ADDRESS, ["127.0.0.1", "0.0.0.0", "::1"], ["", "localhost", "127.0.0.1:80"]),
        (rules.ENV_NAME, ["A", "a_1"], ["1A", "A-B", "", "A=B"]),
    ],
)
def test_rules_accept_and_refuse(rule: rules.Rule, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not rule.accepts(value)] == []
    assert [value for value in bad if rule.accepts(value)] == []


@given(st.text())
def test_no_rule_fails_on_any_text(value: str) -> None:
    every = [rule for rule in vars(rules).values() if isinstance(rule, rules.Rule)]
    assert len(every) > 10
    for rule in every:
        rule.accepts(value)
