"""A stand-in for pulumi-gitlab's resource plugin, for machines where the official one cannot be installed.

It serves the resource types named in `provider.RESOURCES` over the wire of the official plugin, so that a Pulumi
program cannot tell the difference: the same tokens, ids, replacements, defaults, requests, faults and bare error texts.
What it mirrors is terraform-provider-gitlab 19 behind Pulumi's bridge for the Plugin Framework, as in pulumi-gitlab 10.
"""

from sandbox.toolchain.versions import python_package

VERSION = python_package("pulumi-gitlab")
"""The version of pulumi-gitlab whose behaviour is mirrored."""
