"""What a credential looks like, whoever issued it: tokens, keys, logins in a URL, values of telling names. Pure.

The tokens of public services are the rules of detect-secrets; what it has no rule for is below. All of them run in RE2,
whose time is linear in the length of the text whatever the text is (github.com/google/re2/wiki/WhyRE2).
"""

import re
from collections.abc import Iterator

import re2  # type: ignore[import-untyped]
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from ops.preview.sensitive import is_sensitive_name

Span = tuple[int, int]

# The detectors that know a token by itself; those that need its name are replaced by is_sensitive_name.
_DETECTORS: tuple[type[RegexBasedDetector], ...] = (
    AWSKeyDetector, AzureStorageKeyDetector, DiscordBotTokenDetector, GitHubTokenDetector, JwtTokenDetector,
    MailchimpDetector, NpmDetector, OpenAIDetector, PypiTokenDetector, SendGridDetector, SlackDetector,
    SquareOAuthDetector, StripeDetector, TelegramBotTokenDetector, TwilioKeyDetector,
)  # fmt: skip
_TOKENS = (
    # PEM, also cut at either end, and in JSON with its newlines as \n.
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    r"(?:[A-Za-z0-9+/=]{16,}(?:\\[rn]|\s)+)+-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----",
    r"Private-Lines: (?s:.*?)(?:Private-MAC: [0-9a-f]+|\z)",
    r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}",
    r"\beyJ[\w+/=.-]{8,}",
    # GitLab (docs: security/tokens), also shorter than the detector wants, and its older runner tokens.
    r"\b(?:(?:glpat|gldt|glcbt|glrtr?|glptt|glft|glsoat|glimt|glagent|gloas|glwt|glffct)-|GR1348941)[\w.=-]{8,}",
    r"\b(?:gh[oprsu]_|github_pat_)\w{20,}",
    r"\bx(?:ox[a-z]|app)-[\w-]{8,}",
    r"\b(?:[rsp]k_(?:live|test)|whsec)_\w{16,}",
    r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
    r"\bpul-[0-9a-f]{40}\b",
    r"\bv1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/=]{8,}",
    r"\b(?:hv[sbr]\.|dckr_pat_|dop_v1_|npm_|glsa_|sk-(?:proj|ant)-|shpat_|lin_api_|hf_)[\w-]{20,}",
    # crypt(3) and htpasswd, with the dollars doubled as in a compose file.
    r"\${1,2}(?:apr1|1|2[abxy]|5|6|y|7|argon2id?)\${1,2}[\w./$=,+-]{8,}",
)
# With the credential in the last group; what is before it stays readable.
_PLACED = (
    r"(?i)\b(?:bearer|basic)[ \t]+([\w+/=.~-]{8,})",
    r"(?i)\b(?:proxy-)?authorization[\"']?[ \t]*[:=][ \t]*[\"']?([^\r\n\"']+)",
    r"(?i)\b(?:set-)?cookie:[ \t]*([^\r\n\"']+)",
    r"(?i)[?&](?:sig|x-amz-(?:signature|credential|security-token)|code|key)=([^\s&\"'#]{8,})",
    r"(?i)\bcurl\b[^\r\n|;]*?[ \t](?:-u|--user)[= \t][ \t]*[\"']?([^\s:\"']+:[^\s\"']+)",
    r"\bsshpass[ \t]+-p[ \t]*(\S+)",
    r"\blogin\b[^\r\n|;]*?[ \t]-p[= \t][ \t]*[\"']?([^\s\"']+)",
    r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\r\n|;]*?[ \t]-p([^\s\"']+)",
    r"\bredis-cli\b[^\r\n|;]*?[ \t]-a[ \t]+[\"']?([^\s\"']+)",
    r"(?i)\blogin[ \t]+\S+[ \t]+password[ \t]+(\S+)",
    r"(?i)<[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key)>([^<]+)</",
)
_SCHEME_ALONE = re.compile(r"[a-z]++(?:-[a-z]++)*+[.,:;]?")
_USERINFO = r"://([^\s/:@\"'<>]*)(:?)([^\s\"'<>]*)@"
_PORT = re.compile(r"[0-9]{1,5}(?:/|$)")
# A token in place of a login: https://TOKEN@host. A user's name is shorter.
_SHORTEST_TOKEN = 16

_NAME = (
    r"(?i)([\w.-]*(?:pass|pwd|pw|secret|token|auth|cred|key|jwt|pat|psk)[\w.-]*)"
    r"(?:((?:\\*[\"'`])?\]?[ \t]*(?::=|=>|=+|:|%3D)[ \t]*)|((?:\\*[\"'])?(?:[ \t]*,[ \t]*|[ \t]+)))"
)
# An entry of a list of named values: {name: DB_PASSWORD, value: ...}, on one line or two.
_ENTRY_NAME = (
    r"(?i)\b(?:name|key)[\"']?[ \t]*[:=][ \t]*[\"']?([\w.-]+)[\"']?[ \t]*,?[ \t]*(?:\r?\n)?[ \t]*"
    r"([\"']?value[\"']?[ \t]*([:=])[ \t]*)"
)
_QUOTE = re.compile(r"\\*+[\"'`]")
_IN_DOUBLE_QUOTES = re.compile(r'(?:[^"\\]|\\.)*+', re.DOTALL)
_WORD = re.compile(r"[^\s\"']++")
_PARAMETER = re.compile(r"[^\s\"'&;,}\])<>]++")
_ENTRY = re.compile(r"(?:[^\s\"'&;,}\])<>]|[&;,](?=[^\s\"']))++")
_LINE = re.compile(r"[^\r\n]++")
_SENTENCE_GOES_ON = re.compile(r"[a-z]++ [a-z(]")
_BLOCK = re.compile(r"[|>][+-]?[0-9]?[+-]?[ \t]*+(?:#[^\n]*+)?\n")
_BLOCK_LINE = re.compile(r"[ \t]++[^\n]*+\n?|[ \t]*+\n")
_START_OF_ENTRY = re.compile(r"[\s\-+~!\"'`]*+")
_COMMENT = re.compile(r"[ \t]#")
# How far back the start of a line is looked for: an indentation and a list's dash.
_INDENTATION = 200
_ORDINARY = {
    "", "''", '""', "-", "~", "***", "basic", "bearer", "disabled", "enabled", "false", "masked", "nil", "no", "none",
    "null", "off", "on", "optional", "required", "true", "undefined", "unknown", "yes",
}  # fmt: skip
# A value that stands for another one: ${VAR}, $VAR, <name>, {{ template }}, %s, [secret], (known after up), a mapping.
_STANDS_FOR = re.compile(r"\$[\w({\[]|[<{\[(*&]|%[a-z(]|!\w")
# What follows an option in a sentence: "use --token to log in".
_SENTENCE = {
    "a", "an", "and", "are", "as", "by", "can", "cannot", "does", "flag", "for", "from", "has", "in", "instead", "is",
    "must", "not", "of", "option", "or", "that", "the", "to", "was", "which", "with",
}  # fmt: skip


def _rule(pattern: re.Pattern[str]) -> str:
    return f"(?i:{pattern.pattern})" if pattern.flags & re.IGNORECASE else f"(?:{pattern.pattern})"


def _compile(pattern: str) -> "re2._Regexp":
    options = re2.Options()
    options.max_mem = 64 << 20
    return re2.compile(pattern, options=options)


TOKENS = _compile("|".join([*_TOKENS, *(_rule(rule) for detector in _DETECTORS for rule in detector().denylist)]))
PLACED = tuple(_compile(pattern) for pattern in _PLACED)
USERINFO = _compile(_USERINFO)
NAME = _compile(_NAME)
ENTRY_NAME = _compile(_ENTRY_NAME)


def spans(text: str) -> Iterator[Span]:
    """Where in the text a credential stands; spans may overlap."""
    for found in TOKENS.finditer(text):
        yield found.span()
    for pattern in PLACED:
        for found in pattern.finditer(text):
            # "basic authentication" and "a Bearer token-request" are words.
            if not _SCHEME_ALONE.fullmatch(found[1]):
                yield found.span(1)
    for found in USERINFO.finditer(text):
        user, colon, password = found.groups()
        if (password if colon else len(user) >= _SHORTEST_TOKEN) and not (colon and _PORT.match(password)):
            yield found.start(1), found.end(3)
    yield from _values_of_names(text)
    yield from _values_of_entries(text)


def _values_of_names(text: str) -> Iterator[Span]:
    """The values of telling names: NAME=value, `name: value`, `--name value`, `"name", "value"`."""
    covered = 0
    for found in NAME.finditer(text):
        if found.start() < covered or not is_sensitive_name(found[1]):
            continue
        if found[2] is not None:
            start, end = _assigned(text, found.start(), found.end(), found[2].strip(" \t\\\"'`]"))
        elif found[1].startswith("-"):
            start, end = _of_option(text, found.end())
        else:
            continue
        if end > start and not _is_ordinary(text[start:end], found[1]):
            covered = end
            yield start, end


def _values_of_entries(text: str) -> Iterator[Span]:
    """The values of entries with a telling name: `- name: DB_PASSWORD` and below it `value: ...`."""
    covered = 0
    for found in ENTRY_NAME.finditer(text):
        if found.start() < covered or not is_sensitive_name(found[1]):
            continue
        start, end = _assigned(text, found.start(2), found.end(), found[3])
        if end > start and not _is_ordinary(text[start:end], found[1]):
            covered = end
            yield start, end


def _of_option(text: str, start: int) -> Span:
    if quote := _QUOTE.match(text, start):
        return _quoted(text, quote)
    word = _PARAMETER.match(text, start)
    return start, start if word is None or word[0].startswith("-") or word[0].lower() in _SENTENCE else word.end()


def _assigned(text: str, name: int, start: int, separator: str) -> Span:
    """The value behind a name, at `name`, and its separator; an empty span if there is none."""
    before = text[name - 1 : name]
    spaced = text[start - 1] in " \t"
    # registry/auth:1.2 and kubernetes:core/v1:Secret::name are no assignments.
    if separator == ":" and not spaced and before and before in "/:@":
        return start, start
    if quote := _QUOTE.match(text, start):
        return _quoted(text, quote)
    if separator != ":":
        form = _PARAMETER if before and before in "?&;" else _WORD
    elif spaced and _starts_line(text, name):
        if block := _BLOCK.match(text, start):
            return block.end(), _block_end(text, block.end())
        form = _LINE
    else:
        form = _ENTRY
    value = form.match(text, start)
    # "invalid token: signature is invalid": the sentence goes on behind a word.
    if value is None or (form is _ENTRY and _SENTENCE_GOES_ON.match(text, start)):
        return start, start
    return value.span()


def _starts_line(text: str, name: int) -> bool:
    """Whether nothing but indentation, a list's dash or a diff's sign is before a name in its line."""
    first = max(0, name - _INDENTATION)
    line = text.rfind("\n", first, name)
    return _START_OF_ENTRY.fullmatch(text, line + 1 if line >= 0 else first, name) is not None


def _quoted(text: str, quote: re.Match[str]) -> Span:
    """What is in quotes; up to the end of the line if nothing closes them."""
    if quote[0] == '"':
        inner = _IN_DOUBLE_QUOTES.match(text, quote.end())
        end = inner.end() if inner and text.startswith('"', inner.end()) else -1
    else:
        end = text.find(quote[0], quote.end())
        while quote[0] == "'" and end >= 0 and text.startswith("''", end):  # YAML's quote within quotes
            end = text.find(quote[0], end + 2)
    if end < 0:
        end = text.find("\n", quote.end())
    return quote.end(), len(text) if end < 0 else end


def _block_end(text: str, start: int) -> int:
    """Where a block scalar of YAML ends: behind the indented and empty lines that follow."""
    while line := _BLOCK_LINE.match(text, start):
        start = line.end()
    return start


def _is_ordinary(value: str, name: str) -> bool:
    plain = _COMMENT.split(value, maxsplit=1)[0].strip().strip("\\\"'`").rstrip(".,;").strip()
    if plain.lower() in _ORDINARY or _STANDS_FOR.match(plain):
        return True
    return name.lower() in {"pwd", "oldpwd"} and plain.startswith("/")
