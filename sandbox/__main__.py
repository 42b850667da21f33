"""`python -m sandbox [--name NAME] COMMAND`: everything the deployment needs, real, on this machine."""

import argparse
import signal
import sys

from sandbox.instance import Instance
from sandbox.sandbox_error import SandboxError

COMMANDS = {
    "build": "install and build what is missing, and start nothing",
    "up": "install, build and start what is missing",
    "status": "say what runs, and where",
    "down": "stop it and remove everything it wrote, except the tools that were built",
    "env": 'print shell exports: eval "$(python -m sandbox env)"',
}


def main() -> None:
    """Run one command; exit status 1 with one sentence on stderr if it fails."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Kubernetes, GitLab and a registry, on this machine."
    )
    parser.add_argument("--name", default="sandbox", help="which one: several run side by side (default: sandbox)")
    commands = parser.add_subparsers(dest="command", required=True)
    parsers = {command: commands.add_parser(command, help=purpose) for command, purpose in COMMANDS.items()}
    parsers["build"].add_argument("--with", nargs="*", default=[], metavar="PACKAGE", dest="more", help="Debian's too")
    arguments = parser.parse_args()
    # As Ctrl-C does: what is half done is cleaned up on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        instance = Instance(arguments.name)
        match arguments.command:
            case "build":
                instance.build(arguments.more)
            case "up":
                instance.up()
            case "status":
                print("\n".join(instance.status()))
            case "down":
                instance.down()
            case "env":
                print(instance.exports())
    except SandboxError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(
            f"\nstopped: `up` goes on from here, `down` removes it (python -m sandbox --name {arguments.name} down)"
        )


if __name__ == "__main__":
    main()
