"""What looks like a credential, whoever issued it, and what does not."""

import base64
import json

import pytest

from ops.preview.redaction import Redactor

CANARY = "Canary5uVw9Qz7Lm"
LONG = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7b"
KEY = "PRIVATE KEY-----"
PEM_BODY = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    """As `base64` prints it: lines of 76 characters."""
    return "\n".join(text[start : start + 76] for start in range(0, len(text), 76))


KUBECONFIG = json.dumps({"kind": "Config", "clusters": [{"name": "c" * 90}], "users": [{"user": {"token": CANARY}}]})

# The text, and the part of it that must not be shown; {} is the credential itself.
FORMS = [
    # YAML
    ("password: {}", "hunter2"),
    ("  password: {}", "correct horse battery staple"),
    ("- password: '{}'", "it is 1"),
    ("db_password: {} # from the vault", CANARY),
    ("apiToken: {}", CANARY),
    ("clientSecret: {}", CANARY),
    ("client-key-data: {}", encoded(CANARY)),
    ("password: |\n  {}\nuser: x", "hunter2"),
    ("passphrase: >-\n    {}\n", "correct horse"),
    ("{{user: x, password: {}}}", "hunter2"),
    ("spec: {{auth: {}}}", "dXNlcjpwYXNz"),
    ("password: '{}'", "hun''ter2"),
    ("- name: DB_PASSWORD\n  value: {}", "hunter2"),
    ("{{name: DB_PASSWORD, value: {}}}", "hunter2"),
    # JSON
    ('{{"name": "DB_PASSWORD", "value": "{}"}}', "hunter2"),
    ('"password": "{}"', "x y"),
    ('{{"db_pwd":"{}"}}', "hunter2"),
    ('{{"a": "{{\\"token\\": \\"{}\\"}}"}}', "hunter2"),
    ('{{"identitytoken" : "{}"}}', CANARY),
    ('["--password", "{}"]', "hunter2"),
    ('{{"auths": {{"r.example.com": {{"auth": "{}"}}}}}}', encoded("ci:hunter2")),
    # environment
    ("DB_PWD={}", "hunter2"),
    ("export SMTP_PW='{}'", "hunter2"),
    ("PGPASSWORD={} psql", "hunter2"),
    ("PGPASS={}", "hunter2"),
    ("MYSQL_PWD={}", "hunter2"),
    ("REDISCLI_AUTH={}", "hunter2"),
    ("NPM_AUTH={}", "hunter2"),
    ("API_KEY={}", "hunter2"),
    ("AWS_SECRET_ACCESS_KEY={}", f"wJalrXUtnFEMI/{LONG[:26]}"),
    ("SECRET_KEY_BASE={}", "0123456789abcdef"),
    ("DB_PASSWORD_1={}", "p&ss;w"),
    ("error: DJANGO_SECRET={}", "hunter2"),
    # options
    ("--password={}", "hunter2"),
    ("--password {}", "hunter2"),
    ("helm upgrade --set db.password={}", "hunter2"),
    ("curl -u ci:{} https://example.com", "hunter2"),
    ("docker login -u ci -p {} registry.example.com", "hunter2"),
    ("mysql -u app -p{} app", "hunter2"),
    ("redis-cli -h cache -a {} ping", "hunter2"),
    ("sshpass -p {} ssh host", "hunter2"),
    ("machine example.com login ci password {}", "hunter2"),
    # addresses
    ("https://ci:{}@example.com/v2/", "hunter2"),
    ("postgres://app:{}@db:5432/app", "p/a@ss"),
    ("redis://:{}@cache:6379", "hunter2"),
    ("https://{}@github.com/a/b.git", LONG),
    ("https://example.com/?access_token={}&page=2", "hunter2"),
    ("https://s3.example.com/a?X-Amz-Signature={}", "0123456789abcdef0123456789abcdef"),
    ("https://x.blob.example.com/a?sv=2024&sig={}", "abcdefghij%3D"),
    ("Server=db;User Id=app;Password={};Timeout=3", "hunter2"),
    ("https://example.com/login%3Fpassword%3D{}", "hunter2"),
    # headers
    ("Authorization: Bearer {}", CANARY),
    ("authorization: basic {}", encoded("ci:hunter2")),
    ("sent bearer {}", CANARY),
    ("PRIVATE-TOKEN: {}", "hunter2"),
    ("X-Api-Key: {}", "hunter2"),
    ("Cookie: session={}; theme=dark", "hunter2"),
    # tokens of services
    ("{}", f"AKIA{LONG[:16].upper()}"),
    ("{}", f"ghp_{LONG[:36]}"),
    ("{}", f"ghs_{LONG[:36]}"),
    ("{}", f"github_pat_{LONG}"),
    ("{}", f"glpat-{CANARY}abcd"),
    ("{}", f"glrt-t1_{CANARY}"),
    ("{}", f"gldt-{CANARY}"),
    ("{}", f"glcbt-64_{CANARY}"),
    ("{}", f"xoxb-{'123456789012'}-{LONG[:24]}"),
    ("{}", f"xapp-1-A012-{LONG[:24]}"),
    ("https://hooks.slack.com/services/{}", f"T{'012345'}/B{'012345'}/{LONG[:24]}"),
    ("{}", f"sk_live_{LONG[:24]}"),
    ("{}", f"rk_test_{LONG[:24]}"),
    ("{}", f"AIza{LONG[:35]}"),
    ("{}", f"ya29.{LONG}"),
    ("{}", f"SG.{LONG[:22]}.{(LONG * 2)[:43]}"),
    ("{}", f"npm_{LONG[:36]}"),
    ("{}", f"pypi-AgEIcHlwaS5vcmc{LONG * 2}"),
    ("{}", f"hvs.{LONG}"),
    ("{}", f"dckr_pat_{LONG[:27]}"),
    ("{}", f"pul-{'0123456789abcdef' * 2}01234567"),
    ("{}", f"eyJhbGciOiJIUzI1NiJ9.{encoded('{}')}.{LONG}"),
    ("{}", f"v1:{encoded(CANARY[:12])}:{encoded(CANARY)}"),
    ("admin:{}", "$apr1$abcdefgh$0123456789abcdefghijk/"),
    ("admin:{}", "$$2y$$05$$abcdefghijklmnopqrstuv"),
    # keys and documents
    ("{}", f"-----BEGIN OPENSSH {KEY}\n{PEM_BODY}\n{PEM_BODY}\n-----END OPENSSH {KEY}"),
    ("{}", f"-----BEGIN RSA {KEY}\\n{PEM_BODY}\\n-----END RSA {KEY}\\n"),
    ("key: |\n{}", f"  -----BEGIN {KEY}\n  {PEM_BODY}\n  {PEM_BODY}"),
    ("{}\n-----END PRIVATE KEY-----", f"{PEM_BODY}\n{PEM_BODY}"),
    ("Private-Lines: 1\n{}\nPrivate-MAC: 0123", PEM_BODY),
    ("{}", encoded(KUBECONFIG)),
    ("{}", wrapped(encoded(KUBECONFIG))),
    ("{}", encoded(f"DB_PWD={CANARY} and more")),
    ("{}", encoded(f"postgres://app:{CANARY}@db/app")),
    ("{}", encoded(encoded(f"password={CANARY}"))),
    ("<password>{}</password>", "hunter2"),
]

ORDINARY = [
    "registry.example.com/group/blog@sha256:4d8f5b7a3c1e9f604d8f5b7a3c1e9f604d8f5b7a3c1e9f604d8f5b7a3c1e9f60",
    "registry.example.com/group/auth:1.2.3",
    "registry.example.com:5000/group/token:abc1234-12-34",
    "docker.io/library/postgres:17@sha256:" + "0123456789abcdef" * 4,
    "commit 4d8f5b7a3c1e9f604d8f5b7a3c1e9f604d8f5b7a",
    "4d8f5b7a",
    "the password reset page",
    "password authentication failed for user app",
    "the token expired",
    "invalid token: signature is invalid",
    "failed to get token: context deadline exceeded",
    "the credentials of stack prod",
    "basic authentication is required",
    "bearer token-authentication",
    "use --token to log in",
    "--password-stdin",
    "Deployment access-token-2026-11 created",
    'secrets "db-password" not found',
    'secrets "db-password" is forbidden: User "system:serviceaccount:example:gitlab-example" cannot get resource',
    "secret/gitlab-registry created",
    "Secret/gitlab-example-token-2026-11",
    "serviceaccounts/token",
    "pods/exec, serviceaccounts/token",
    "secretName: blog-example-org-tls",
    "pullSecret: gitlab-registry",
    "imagePullSecrets[gitlab-registry]",
    "secretKeyRef: {name: db, key: password}",
    "tokenSecretName: gitlab-example-token",
    "automountServiceAccountToken: false",
    "key: KUBE_TOKEN",
    "name: DB_PASSWORD",
    "TOKEN_URL=https://auth.example.com/oauth",
    "PASSWORD_FILE=/run/secrets/db",
    "TOKEN_TTL=3600",
    "PWD=/builds/group/blog",
    "OLDPWD=/root",
    "compass: north",
    "bypass=3",
    "keyboard: de",
    "partitionKey: tenant",
    "publicKey: abcdefgh",
    "monkey=banana",
    "author: Ada Lovelace",
    "authority: example.org",
    "authorization-mode=RBAC,Node",
    "rbac.authorization.k8s.io/v1",
    "- name: DB_USER\n  value: app",
    '{"name": "LOG_LEVEL", "value": "debug"}',
    "- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: db}}",
    "password: ${DB_PASSWORD}",
    "password: [secret]",
    "token: (known after up)",
    "auth: true",
    "password: null",
    'password: ""',
    "token=$KUBE_TOKEN",
    "urn:pulumi:prod::gitlab-deploy::kubernetes:core/v1:Secret::access-token-secret",
    "urn:pulumi:prod::gitlab-deploy::gitlab:index/projectDeployToken:ProjectDeployToken::registry-token",
    "ssh://deploy@docker.example.com",
    "git@gitlab.example.com:group/blog.git",
    "https://registry.npmjs.org:443/@scope/package",
    "https://blog.example.org/reset-password?step=2",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1TP8Zk3fIPC98LZDnN3wH4hrQAwW1FW7pZb4FaV/b1",
    "-----BEGIN CERTIFICATE-----\nMIIBdzCCAR2gAwIBAgIBADAKBggqhkjOPQQDAjAjMSEwHwYD\n-----END CERTIFICATE-----",
    "certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJkekNDQVIyZ0F3SUJBZ0lCQURB",
    "Host(`blog.example.org`) && PathPrefix(`/token`)",
    "traefik.http.middlewares.auth.basicauth.removeheader=true",
    "1 of 3 Pods ready after 12 s",
    "2026-11-25T20:14:09.123456Z",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "components/docker_app/docker_app.py:123",
    "/builds/group/blog/.gitlab-deploy-cache/venv/lib/python3.12/site-packages/pulumi/runtime/resource.py",
    "Waiting for deployment rollout to finish: 1 old replicas are pending termination",
    "global-default-deny-all-ingress-and-egress",
    "sha512-vKb9kJFmRT3FYcH5lDZpQ1sN2mTzX8aWqRrY7uEoIhGg==",
]


@pytest.mark.parametrize(("around", "credential"), FORMS)
def test_a_credential_is_redacted(around: str, credential: str) -> None:
    text = around.format(credential)
    assert credential in text
    for shown in (Redactor().text(text), Redactor().text(f"first line\n{text}\nlast line")):
        assert "[redacted]" in shown
        assert credential not in shown
        for line in credential.splitlines():
            assert line not in shown


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text
    assert Redactor().text(f"first line\n  {text}\nlast line") == f"first line\n  {text}\nlast line"


@pytest.mark.parametrize("text", ["password=hunter2 user=x", "password: [redacted]\n", "Bearer abcdefgh12 x"])
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


def test_what_is_around_a_credential_stays_readable() -> None:
    login = "ci:hunter2"
    assert Redactor().text(f"user=ci, password=hunter2 at https://{login}@example.com/v2") == (
        "user=ci, password=[redacted] at https://[redacted]@example.com/v2"
    )
    assert Redactor().text('{"user": "ci", "password": "x", "port": 1}') == (
        '{"user": "ci", "password": "[redacted]", "port": 1}'
    )
