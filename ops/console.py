"""What commands print: printable text without credentials, whoever wrote it."""

import os
import sys

from ops import job_secrets
from ops.preview.printable import printable_lines
from ops.preview.redaction import Redactor


def report(text: str) -> None:
    """Prints to stdout at once, so that a job log shows it while the command goes on."""
    print(shown(text), flush=True)


def report_error(text: str) -> None:
    """Prints to stderr, as an error."""
    print(shown(f"error: {text}"), file=sys.stderr, flush=True)


def shown(text: str) -> str:
    """The text as anybody may see it."""
    redactor = Redactor(job_secrets.read(os.environ))
    return "\n".join(printable_lines(redactor.text(text)))
