"""The command line: `python -m ops COMMAND`."""

import argparse
import sys

from ops.commands import drift, lock, render, review, sweep, verify
from ops.ops_error import OpsError

COMMANDS = (
    ("drift", drift, "keep one issue for each stack that is not as it declares"),
    ("lock", lock, "show and release the state lock that a killed run has left"),
    ("render", render, "plan a stack with no secret, no state and no server"),
    ("review", review, "show the previews of stacks on a merge request"),
    ("sweep", sweep, "remove the review stacks of merge requests that are over"),
    ("verify", verify, "check the stack with the credential its jobs get"),
)


def main() -> int:
    """Runs the command; 0 where all is well, 1 where a check failed, 2 where it could not run."""
    parser = argparse.ArgumentParser(prog="python -m ops", description="Day-2 commands for the selected Pulumi stack.")
    commands = parser.add_subparsers(required=True)
    for name, module, text in COMMANDS:
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=module.run)
        module.add_arguments(command)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except OpsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
