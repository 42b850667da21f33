"""The command line: `python -m ops COMMAND`."""

import argparse
import sys

from ops import render, review, verify
from ops.errors import OpsError


def main() -> int:
    """Runs the command; 0 where all is well, 1 where a check failed, 2 where it could not run."""
    parser = argparse.ArgumentParser(prog="python -m ops", description="Day-2 commands for the selected Pulumi stack.")
    commands = parser.add_subparsers(dest="command", required=True)
    verify.add_arguments(commands.add_parser("verify", help="check the stack with the credential its jobs get"))
    review.add_arguments(commands.add_parser("review", help="show the previews of stacks on a merge request"))
    render.add_arguments(commands.add_parser("render", help="plan a stack with no secret, no state and no server"))
    arguments = parser.parse_args()
    run = {"render": render.run, "review": review.run, "verify": verify.run}[arguments.command]
    try:
        return run(arguments)
    except OpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
