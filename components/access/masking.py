"""GitLab's rules for masked variables, checked before anything is sent. Pure: no Pulumi here.

GitLab masks only the stored string, and refuses to mask what it could not find again in a job log, with no better
answer than "value is invalid". Source of the rules: GitLab's app/models/concerns/ci/maskable.rb.
"""

import re

WARNING_BYTES = 4096
"""Above this size, old GitLab runners stop masking a value."""

_EXPANDED = re.compile(r"[A-Za-z0-9_+=/@:.~-]*", re.ASCII)


def refusal(value: str, *, raw: bool) -> str | None:
    """The rule by which GitLab would refuse to mask this value, or None. The value itself is never part of the answer.

    `raw` is the variable's own flag: with it GitLab masks any text without white space; without it, since `$` is
    expanded, only the characters of base64 and `@ : . ~ _ -`.
    """
    if len(value) < 8:
        return "a masked value has at least 8 characters"
    # GitLab's \S is Ruby's, which knows ASCII white space only; so is this one.
    if re.search(r"\s", value, re.ASCII):
        return "a masked value is one line with no white space"
    if not raw and not _EXPANDED.fullmatch(value):
        return "a masked value that is not raw holds only letters, digits and the characters _ + = / @ : . ~ -"
    return None


def size_warning(key: str, value: str) -> str | None:
    """What to tell the user of a value so long that old runners no longer mask it, or None."""
    size = len(value.encode())
    if size <= WARNING_BYTES:
        return None
    return (
        f"The variable {key} is {size} bytes long, and old GitLab runners mask only {WARNING_BYTES}; "
        "see that the project's runners are up to date"
    )
