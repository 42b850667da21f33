"""The hosts of a sandbox: the cluster, GitLab with its registry, the Docker host."""
