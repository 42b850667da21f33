"""What GitLab accepts in a CI/CD variable and in a deploy token. Pure: no store, no request."""

import re

from sandbox.gitlab.records import Variable

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
# lib/gitlab/regex.rb, environment_scope_regex
SCOPE = re.compile(r"[a-zA-Z0-9_/${}. \-*]+")
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
