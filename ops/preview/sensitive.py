"""Names that say that their value is a credential: of resource properties, settings, headers and options. Pure."""

import re
from collections.abc import Sequence

HIDDEN = "[secret]"
# The key by which Pulumi marks secrets and other special values (sdk/go/common/resource/sig: Key).
SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"

_PROPERTIES = {
    "accesstoken", "auth", "clientkey", "clientkeydata", "clientsecret", "contentbase64", "dockerconfigjson",
    "identitytoken", "kubeconfig", "passphrase", "password", "privatekey", "registryauth", "secretkey", "sshopts",
    "stringdata", "token",
}  # fmt: skip
# Every input below these is hidden, whatever its own name.
_PROPERTIES_OF = {
    "kubernetes:core/v1:Secret": {"data", "stringData"},
    "docker:index/container:Container": {"envs", "uploads"},
}
_VARIABLE_TYPE = re.compile(r"gitlab:index/\w*[vV]ariable:\w*Variable$")
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# What a name of a credential ends with, as a word of its own.
_LAST_WORDS = {
    "auth", "creds", "credential", "credentials", "jwt", "pass", "passcode", "pat", "pgpass", "psk", "pw", "pwd",
    "sshpass",
}  # fmt: skip
# The same, when it is written together with other words too: PGPASSWORD, authtoken.
_ENDINGS = (
    "accesskey", "apikey", "authkey", "passphrase", "passwd", "password", "privatekey", "pwd", "secret", "secretkey",
    "token",
)  # fmt: skip
_PASSWORDS = ("passphrase", "passwd", "password", "pwd")
_KINDS_OF_KEY = {
    "access", "account", "api", "auth", "client", "encryption", "master", "private", "rsa", "secret", "session",
    "shared", "signing", "ssh", "storage", "webhook",
}  # fmt: skip
# A Secret of Kubernetes that is named, and not a secret: pullSecret: gitlab-registry.
_KINDS_OF_REFERENCE = {"existing", "pull", "tls"}
# What may follow: DB_PASSWORD_OLD, client-key-data, SECRET_KEY_BASE.
_QUALIFIERS = {
    "b64", "base", "base64", "current", "data", "dev", "new", "old", "plain", "previous", "prod", "production",
    "staging", "test", "value",
}  # fmt: skip


def is_marked(value: object) -> bool:
    """Whether Pulumi marks the value as secret, as a preview shows it or as a state holds it."""
    return value == HIDDEN or (isinstance(value, dict) and SIGNATURE_KEY in value)


def is_sensitive_name(name: str) -> bool:
    """Whether a setting, header, variable or option of this name holds a credential: DB_PASSWORD, --api-token.

    `secretName`, `TOKEN_URL` and `PASSWORD_FILE` do not: the last word says what the value is.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    while words and (words[-1] in _QUALIFIERS or words[-1].isdigit()):
        words.pop()
    if not words:
        return False
    *before, last = words
    kind = before[-1] if before else ""
    if last == "key":
        return kind in _KINDS_OF_KEY
    if last == "id":
        return words[-3:-1] in (["access", "key"], ["secret", "key"]) or kind == "secret"
    if last == "secret" and kind in _KINDS_OF_REFERENCE:
        return False
    return last in _LAST_WORDS or last.endswith(_ENDINGS)


def is_sensitive(resource_type: str, path: Sequence[str]) -> bool:
    """Whether a property of a resource of this type holds credentials, whether Pulumi marks it or not."""
    if not path:
        return False
    if _VARIABLE_TYPE.search(resource_type) and path[-1] == "value":
        return True
    if path[0] in _PROPERTIES_OF.get(resource_type, ()):
        return True
    if any(_is_sensitive_key(part) for part in path):
        return True
    # An entry of a list of named values, such as a container's env[DB_PASSWORD].value.
    return path[-1] == "value" and any(part.startswith("[") and is_sensitive_name(part) for part in path)


def _is_sensitive_key(key: str) -> bool:
    plain = re.sub(r"[^a-z]", "", key.lower())
    if plain in _PROPERTIES or (not key.startswith("[") and plain.endswith(_PASSWORDS)):
        return True
    return bool(_ENVIRONMENT_NAME.fullmatch(key)) and is_sensitive_name(key)
