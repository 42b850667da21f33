"""What GitLab accepts in a CI/CD variable, a deploy token and an environment. Pure: no store, no request."""

import re
from hashlib import sha256

from sandbox.gitlab.records import Environment, Variable

Problems = dict[str, list[str]]

BLANK = "can't be blank"
TOO_LONG = "is too long (maximum is 255 characters)"
TAKEN = "has already been taken"

# app/models/concerns/ci/maskable.rb. \A and \z are fullmatch; Ruby's \S and [a-z] are ASCII, so re.ASCII:
# a no-break space is no whitespace to it. A masked `file` variable obeys the same rules.
MASKED_EXPANDED = re.compile(r"[a-zA-Z0-9_+=/@:.~-]{8,}", re.ASCII)
MASKED_RAW = re.compile(r"\S{8,}", re.ASCII)
# app/models/concerns/ci/has_variable.rb
KEY = re.compile(r"[a-zA-Z0-9_]+")
# lib/gitlab/regex.rb, environment_scope_regex and environment_name_regex
SCOPE = re.compile(r"[a-zA-Z0-9_/${}. \-*]+")
ENVIRONMENT_NAME = re.compile(r"[a-zA-Z0-9_${}. \-]([a-zA-Z0-9_/${}. \-]*[a-zA-Z0-9_${}. \-])?")
# app/models/deploy_token.rb
DEPLOY_TOKEN_USERNAME = re.compile(r"[a-zA-Z0-9.+_-]+")
DEPLOY_TOKEN_SCOPES = (
    "read_repository",
    "read_registry",
    "write_registry",
    "read_package_registry",
    "write_package_registry",
    "read_virtual_registry",
    "write_virtual_registry",
)
TIERS = ("production", "staging", "testing", "development", "other")
TIER_PATTERNS = {
    "dev|review|trunk": "development",
    "test|tst|int|ac(?:|ce)pt|qa|qc|control|quality": "testing",
    "sta?g|mode?l|pre|demo|non": "staging",
    "pro?d|live": "production",
}
UNSAFE_SCHEMES = ("javascript", "data", "vbscript")


def strip(text: str | None) -> str:
    """Strip as Ruby's String#strip does: ASCII whitespace and NUL, no other space."""
    return (text or "").strip(" \t\n\v\f\r\0")


def variable_problems(variable: Variable, previous: Variable | None, *, taken: bool) -> Problems:
    """Return the complaints about a variable to be stored, by field; none means valid.

    `previous` is the row it replaces, `taken` whether another row of the owner has its key and scope. Key and scope
    come stripped (Ci::HasVariable, Ci::Maskable, Ci::HidableVariable, Ci::HasEnvironmentScope).
    """
    problems: Problems = {}

    def check(field: str, complaint: str, broken: bool) -> None:
        if broken:
            problems.setdefault(field, []).append(complaint)

    check("key", BLANK, not variable.key)
    check("key", TOO_LONG, len(variable.key) > 255)
    check("key", "can contain only letters, digits and '_'.", not KEY.fullmatch(variable.key))
    check("key", f"({variable.key}) {TAKEN}", taken)
    mask = MASKED_RAW if variable.raw else MASKED_EXPANDED
    # A null boolean gets here, whatever the types say: GitLab stores only true and false.
    for field in ("masked", "protected", "raw"):
        check(field, "is not included in the list", getattr(variable, field) is None)
    check("value", "is invalid", bool(variable.masked) and not mask.fullmatch(variable.value or ""))
    check("description", TOO_LONG, len(variable.description or "") > 255)
    check("environment_scope", BLANK, not variable.environment_scope)
    check(
        "environment_scope",
        "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', '*' and spaces",
        not SCOPE.fullmatch(variable.environment_scope),
    )
    check(
        "base",
        "The visibility setting cannot be changed for masked and hidden variables.",
        previous is not None and previous.hidden and variable.masked != previous.masked,
    )
    return problems


def deploy_token_problem(name: str, username: str | None, scopes: list[str]) -> str | None:
    """Return the complaints about a deploy token as GitLab words them, in one sentence; None means valid."""
    problems: list[str] = []
    if username is not None and len(username) > 255:
        problems.append(f"Username {TOO_LONG}")
    if username is not None and not DEPLOY_TOKEN_USERNAME.fullmatch(username):
        problems.append("Username can contain only letters, digits, '_', '-', '+', and '.'")
    if len(name) > 255:
        problems.append(f"Name {TOO_LONG}")
    if not scopes:
        problems.append("Scopes can't be blank")
    if not problems:
        return None
    *most, last = problems
    # Rails' to_sentence: "a and b", "a, b, and c".
    return f"{', '.join(most)}{',' if len(most) > 1 else ''} and {last}" if most else last


def environment_problems(environment: Environment, *, name_taken: bool) -> Problems:
    """Return the complaints about an environment to be stored, by field (app/models/environment.rb)."""
    problems: Problems = {}

    def check(field: str, complaint: str, broken: bool) -> None:
        if broken:
            problems.setdefault(field, []).append(complaint)

    name = environment.name
    check("name", BLANK, not name.strip())
    check("name", TAKEN, name_taken)
    check("name", TOO_LONG, len(name) > 255)
    check(
        "name",
        "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, "
        "but it cannot start or end with '/'",
        not ENVIRONMENT_NAME.fullmatch(name),
    )
    url = environment.external_url or ""
    check("external_url", TOO_LONG, len(url) > 255)
    scheme = url.partition(":")[0].lower()
    check("external_url", f"{scheme} scheme is not allowed", scheme in UNSAFE_SCHEMES)
    description = environment.description or ""
    check("description", "is too long (maximum is 10000 characters)", len(description) > 10000)
    return problems


def environment_slug(name: str) -> str:
    """Return the slug of an environment's name (lib/gitlab/slug/environment.rb): at most 24 of [a-z0-9-]."""
    slug = re.sub("[^a-z0-9]", "-", name.lower())
    if not re.match("[a-z]", slug):
        slug = f"env-{slug}"
    slug = re.sub("-+", "-", slug)
    if len(slug) <= 24 and slug == name:
        return slug.removesuffix("-")
    number, suffix = int(sha256(name.encode()).hexdigest(), 16), ""
    for _ in range(6):
        number, digit = divmod(number, 36)
        suffix = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + suffix
    return slug[:17].removesuffix("-") + "-" + suffix


def environment_tier(name: str) -> str:
    """Return the tier GitLab takes an environment of this name for (app/models/environment.rb, guess_tier)."""
    for pattern, tier in TIER_PATTERNS.items():
        if re.search(pattern, name, re.IGNORECASE):
            return tier
    return "other"
