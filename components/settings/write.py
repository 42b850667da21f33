"""`python -m components.settings.write`: writes what is made from the declarations of the keys.

With `--check` it writes nothing, and fails unless the files are current.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from components.settings.page import MARK, page, project_keys
from components.settings.schema import stack_schema

ROOT = Path(__file__).parents[2]


def contents(root: Path) -> Mapping[Path, str]:
    """What the files have to hold."""
    project = root / "Pulumi.yaml"
    own, mark, _ = project.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise SystemExit(f"{project} lacks the line {MARK.strip()!r}, below which the keys are written")
    return {
        root / "docs" / "configuration.md": page(),
        root / "schema" / "stack.schema.json": json.dumps(stack_schema(), indent=1) + "\n",
        project: own + project_keys(),
    }


def stale(root: Path) -> Mapping[Path, str]:
    """The files that do not hold it."""
    return {
        file: text
        for file, text in contents(root).items()
        if not file.is_file() or file.read_text(encoding="utf-8") != text
    }


def main(root: Path, *, check: bool) -> int:
    """Writes the files, or checks them."""
    found = stale(root)
    for file, text in found.items():
        name = file.relative_to(root)
        if check:
            print(f"{name} is not what the declarations of the keys say; run 'make docs'", file=sys.stderr)
        else:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if check and found else 0


if __name__ == "__main__":
    raise SystemExit(main(ROOT, check="--check" in sys.argv[1:]))
