"""The sandbox's own Python language host, for a machine without a release of Pulumi.

It serves the engine's LanguageRuntime on the SDK's stubs as the official pulumi-language-python does: runtime options,
`pulumi install`, programs, policy packs, source-based plugins, cancellation. Of the toolchains it has pip only, and it
neither type-checks, debugs nor generates code.
"""
