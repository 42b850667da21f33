"""What the keys of a compose file do here: one table for the reader and for the page. Pure."""

from collections.abc import Mapping

WORKS: Mapping[str, str] = {
    "cap_add": "",
    "cap_drop": "",
    "cgroup": "",
    "cgroup_parent": "",
    "command": "A text is taken apart into words, as compose does.",
    "configs": "Put into the container as files: `file`, `content`, `environment`.",
    "container_name": "A service that is swapped keeps it as a name on its networks, not as its container's.",
    "cpu_period": "",
    "cpu_quota": "",
    "cpu_shares": "",
    "cpus": "",
    "cpuset": "",
    "depends_on": "`service_started`, `service_healthy`, `service_completed_successfully`; `restart` has no effect.",
    "deploy": "`replicas: 1`, `resources.limits` and `resources.reservations` (`cpus`, `memory`), `restart_policy`.",
    "device_cgroup_rules": "",
    "devices": "",
    "dns": "",
    "dns_opt": "",
    "dns_search": "",
    "domainname": "",
    "entrypoint": "",
    "env_file": "Read from the checkout; `required: false`.",
    "environment": "A name with no value is taken from `app.env` or `app.secrets`.",
    "extends": "A service of the same file, or of one beside it.",
    "extra_hosts": "",
    "group_add": "",
    "healthcheck": "Without one, the image's own; else see below.",
    "hostname": "",
    "image": "`IMAGE`, `$IMAGE`, `${IMAGE}` or the repository of `gitlab-deploy:image`: the stack's image.",
    "init": "",
    "ipc": "`service:` is refused.",
    "labels": "",
    "links": "An alias (`db:database`) is a name of that service on its networks, for all that are on them.",
    "logging": "Without one, as the Docker host is set up.",
    "mem_limit": "",
    "mem_reservation": "",
    "memswap_limit": "",
    "network_mode": "`host`, `none`, `bridge`.",
    "networks": "`aliases`, addresses, `mac_address`, `gw_priority`, `driver_opts`; `priority` has no effect.",
    "pid": "`host`.",
    "platform": "",
    "ports": "",
    "privileged": "",
    "profiles": "A service with any is left out, as compose does without `--profile`.",
    "pull_policy": "`missing`: what happens anyway. Any for the stack's image, which never changes under its tag.",
    "read_only": "Not with files of the checkout, a config or a secret: Docker puts no file into such a container.",
    "restart": "",
    "runtime": "",
    "scale": "1.",
    "secrets": "Put into the container as files: `file`, `environment`.",
    "security_opt": "",
    "shm_size": "",
    "stdin_open": "",
    "stop_grace_period": "",
    "stop_signal": "",
    "storage_opt": "",
    "sysctls": "",
    "tmpfs": "",
    "tty": "",
    "ulimits": "",
    "user": "",
    "userns_mode": "",
    "volumes": "Named volumes, paths of the Docker host, and files or read-only folders of the checkout.",
    "working_dir": "",
}
"""Keys of a service that have their effect, with what is to be known of it."""

NO_EFFECT: Mapping[str, str] = {
    "attach": "nothing is attached to a container",
    "build": "it is for `docker compose build` on your machine",
    "develop": "it is for `docker compose watch` on your machine",
    "expose": "containers of a network reach every port of each other, and a proxy goes by a label or the image's own",
}
"""Keys of a service that may stay, and do nothing."""

REFUSED: Mapping[str, tuple[str, str]] = {
    "annotations": ("is nothing that Docker's provider sets", "use labels"),
    "blkio_config": ("is nothing that is tried here", "take it out"),
    "cpu_count": ("is for Windows", "use cpus"),
    "cpu_percent": ("is for Windows", "use cpus"),
    "cpu_rt_period": ("is nothing that Docker's provider sets", "take it out"),
    "cpu_rt_runtime": ("is nothing that Docker's provider sets", "take it out"),
    "credential_spec": ("is for Windows", "take it out"),
    "external_links": ("is a link to a container of somebody else's", "share an external network with it"),
    "gpus": ("is nothing that is tried here", "run that service with docker compose"),
    "isolation": ("is for Windows", "take it out"),
    "label_file": ("is not read", "write labels"),
    "mac_address": ("belongs to a network", "set it as networks.NAME.mac_address"),
    "mem_swappiness": ("is nothing that Docker's provider sets", "take it out"),
    "models": ("needs Docker's model runner", "take it out"),
    "oom_kill_disable": ("is nothing that Docker's provider sets", "take it out"),
    "oom_score_adj": ("is nothing that Docker's provider sets", "take it out"),
    "pids_limit": ("is nothing that Docker's provider sets", "use ulimits.nproc"),
    "post_start": ("is nothing that Docker itself does", "use a service that others depend on"),
    "pre_start": ("is nothing that Docker itself does", "use a service that others depend on"),
    "pre_stop": ("is nothing that Docker itself does", "have the program do it on its stop signal"),
    "provider": ("is run by docker compose", "take it out"),
    "pull_refresh_after": (
        "pulls again by time",
        "take it out: an image changes only if the file or the stack says so",
    ),
    "use_api_socket": ("gives the container the credentials of the docker CLI", "mount /var/run/docker.sock"),
    "uts": ("is nothing that Docker's provider sets", "take it out"),
    "volumes_from": ("ties two containers together", "name the volumes in both services"),
}
"""Keys of a service that stop the run: cause and remedy."""

TOP_LEVEL_REFUSED: Mapping[str, tuple[str, str]] = {
    "include": (
        "is not followed",
        "name those files in gitlab-deploy:dockerHost.compose behind this one, and write their paths as seen from here",
    ),
    "jobs": ("is not supported", "write a service that others depend on"),
    "models": ("needs Docker's model runner", "take it out"),
}
TOP_LEVEL = ("version", "name", "services", "networks", "volumes", "configs", "secrets")


def is_extension(key: str) -> bool:
    """Whether the key is the author's own."""
    return key.startswith("x-")
