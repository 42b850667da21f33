"""`python -m ops graph`: a stack's resources and what waits for what, as an SVG."""

import argparse
import sys
from pathlib import Path

from ops import cli, graph
from ops.console import report
from ops.ops_error import OpsError
from ops.stack_name import StackName


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--stack", type=StackName.parse, required=True, help="name of the stack")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    """Draws the state as it is; no secret is in it, since values are not drawn."""
    exported = cli.run("pulumi", "stack", "export", "--stack", str(arguments.stack), "--non-interactive")
    if exported.returncode:
        reason = cli.last_line(exported.stderr)
        raise OpsError(f"The state of stack {arguments.stack} cannot be read ({reason}); see that error")
    drawn = graph.draw(exported.stdout)
    if arguments.output is None:
        sys.stdout.write(drawn)
        return 0
    try:
        arguments.output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise OpsError(f"{arguments.output} cannot be written ({error.strerror}); name another --output") from error
    report(f"written: {arguments.output}")
    return 0
