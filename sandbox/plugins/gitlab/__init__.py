"""A stand-in for pulumi-gitlab's resource plugin, for machines where the official one cannot be installed.

It serves the resource types named in `provider.RESOURCES` and the function getProject over the wire of the official
plugin, so that a Pulumi program cannot tell the difference: the same tokens, ids, replacements, defaults and requests.
What it mirrors is the behaviour of terraform-provider-gitlab 19, which pulumi-gitlab 10 bridges.
"""

from sandbox.toolchain.versions import python_package

VERSION = python_package("pulumi-gitlab")
"""The version of pulumi-gitlab whose behaviour is mirrored."""
