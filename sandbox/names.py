"""What the parts of the sandbox call things that they share."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the project."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitlab-deploy"
"""Where built tools are kept, for every clone of this user (XDG base directory specification)."""
REGISTRY = "registry.sandbox.test"
"""What the cluster and the Docker host call the sandbox's registry; containerd and dockerd alone know where it is."""
