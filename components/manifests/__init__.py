"""The team's own Kubernetes manifests as resources of the stack."""
