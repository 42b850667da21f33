"""The command line: `python -m ops COMMAND`."""

import argparse
import importlib
import sys

from components import prerequisites

COMMANDS = {
    "adopt": "take over what was made by hand, or what a lost state left behind",
    "doctor": "look at everything that a stack needs, before the first `pulumi up`",
    "drift": "keep one issue for each stack that is not as it declares",
    "graph": "draw a stack's resources and what waits for what, as an SVG",
    "lock": "show and release the state lock that a killed run left behind",
    "note": "write the notes of a merge request, from the plans of `review`",
    "render": "plan a stack without secrets, state and servers",
    "review": "show the previews of stacks in a job log and its reports",
    "shell": "start a shell whose kubectl and docker act on what a stack deploys to",
    "status": "show what runs where, by whom, and whether it is well, of every stack",
    "sweep": "remove the review stacks of merge requests that are closed or merged",
    "verify": "check the stack with the credential that its jobs get",
}


def main() -> int:
    """Runs the command; 0 if all is well, 1 if a check failed, 2 if it could not run."""
    prerequisites.require_python()
    try:
        from ops import ending  # noqa: PLC0415 - a missing package is reported in one sentence
        from ops.console import report_error  # noqa: PLC0415
        from ops.ops_error import OpsError  # noqa: PLC0415

        parser = _parser()
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        install = "python -m pip install -r requirements.txt -r ops/requirements.txt"
        print(f"error: The Python package {package} is not installed; run '{install}'", file=sys.stderr)
        return 2
    ending.leave_when_ended()
    try:
        arguments = parser.parse_args()
        return int(arguments.run(arguments))
    except OpsError as error:
        report_error(str(error))
        return 2
    except KeyboardInterrupt:
        return ending.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops", description="Day-2 commands for the selected Pulumi stack.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        # The others are listed, and cost nothing.
        if sys.argv[1:2] == [name]:
            module = importlib.import_module(f"ops.commands.{name}")
            command.set_defaults(run=module.run)
            module.add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
