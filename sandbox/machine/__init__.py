"""What a sandbox takes of the machine: namespaces, networks, processes, control groups, files."""
