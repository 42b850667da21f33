"""`python -m ops doctor`: is everything there that a stack needs? Before the first `pulumi up`, and at any time."""

import argparse

from ops import doctor
from ops.console import report
from ops.stack_name import StackName

HELP = """\
Looks at everything that 'pulumi up' of the stack needs, one line each: Python, Pulumi and its plugins, state and lock,
the stack file and its passphrase, the cluster and what your credential may do there, what else is in the namespace,
GitLab's token and variables, the image and whether both targets may pull it, the Docker host, its proxy, the clocks.
What is not well has its remedy in the same line. Nothing is changed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("--stack", type=StackName.parse, required=True, help="name of the stack")


def run(arguments: argparse.Namespace) -> int:
    """Prints one line for each check; 1 if one failed."""
    failed = 0
    for passed, text in doctor.checks(arguments.stack):
        report(f"{'note' if passed is None else 'ok  ' if passed else 'FAIL'}  {text}")
        failed += passed is False
    report("everything is there" if not failed else f"{failed} to do")
    return int(failed > 0)
