"""`python -m components.compose.page`: writes the table of a compose file's keys into docs/docker-host.md.

With `--check` it writes nothing, and fails unless the table is current.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from components.compose import keys

FILE = Path(__file__).parents[2] / "docs" / "docker-host.md"
BEGIN, END = "<!-- keys of a compose file: begin -->", "<!-- keys of a compose file: end -->"


def table() -> str:
    """The lists of keys, as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    plain = [f"`{key}`" for key, note in sorted(keys.WORKS.items()) if not note]
    yield f"These go to Docker as they are: {', '.join(plain)}."
    yield ""
    yield "| Key of a service | Here |"
    yield "|---|---|"
    for key, note in sorted(keys.WORKS.items()):
        if note:
            yield f"| `{key}` | {note} |"
    for key, note in sorted(keys.NO_EFFECT.items()):
        yield f"| `{key}` | No effect: {note}. |"
    for key, (cause, remedy) in sorted(keys.REFUSED.items()):
        yield f"| `{key}` | Refused: it {cause}; {remedy}. |"
    for key, (cause, remedy) in sorted(keys.TOP_LEVEL_REFUSED.items()):
        yield f"| `{key}` (of the file) | Refused: it {cause}; {remedy}. |"


def content(text: str) -> str:
    """The page with the table in its place; SystemExit if it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{FILE} lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{begin}\n{table()}\n{end}{after}"


def main(*, check: bool) -> int:
    """Writes the page, or checks it."""
    text = FILE.read_text(encoding="utf-8")
    wanted = content(text)
    if wanted == text:
        return 0
    if check:
        print(f"{FILE.name} has not the keys that are read; run 'make docs'", file=sys.stderr)
        return 1
    FILE.write_text(wanted, encoding="utf-8")
    print(f"wrote {FILE.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(check="--check" in sys.argv[1:]))
