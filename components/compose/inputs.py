"""What a policy pack can check of a compose project. Pure."""

import pulumi

from components.compose.args import ComposeArgs


def inputs(args: ComposeArgs) -> pulumi.Inputs:
    """The inputs of the component; no value of the environment."""
    return {
        "address": args.target.address,
        "project": args.project.name,
        "image": str(args.image),
        "services": {
            name: {
                "image": args.image_of(name),
                "ports": [
                    {"address": port.address or "0.0.0.0", "port": port.external}  # noqa: S104 - what Docker means
                    for port in service.ports
                    if port.external
                ],
                "privileged": bool(service.options.get("privileged")),
                "environment": sorted(service.environment),
            }
            for name, service in args.project.services.items()
        },
    }
