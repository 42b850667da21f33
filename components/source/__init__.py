"""Files of the team's own, Kubernetes manifests and compose files: where they are, and how they are read."""
