"""A strict stand-in for the part of GitLab's REST API (v4) that this project talks to.

It refuses what GitLab refuses, in GitLab's words, and keeps its data on disk. Start it with
`python -m sandbox.gitlab --host 127.0.0.1 --port 8929 --data DIR` after `sandbox.gitlab.seed.seed(DIR, ...)`.
"""
