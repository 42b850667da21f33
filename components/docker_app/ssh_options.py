"""The options with which ssh reaches a Docker host, the same on every machine. Pure.

What decides whom ssh trusts, what it lends, and how it ends is pinned, whatever the user's ssh config says; how the
host is reached (HostName, Port, ProxyJump, keys, ciphers) is left to that config. SendEnv of that config cannot be
pinned, and a ProxyCommand does what it likes: both are the user's own to answer for. OpenSSH 8.7 or newer.
"""

from components.docker_app.ssh_key import algorithms

PINNED = {
    # Never ask anybody, and notice a connection that is gone.
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
    # Trust the pinned host key alone: no file, no DNS record, no exception for this machine, nothing learnt.
    "StrictHostKeyChecking": "yes",
    "UserKnownHostsFile": "/dev/null",
    "GlobalKnownHostsFile": "/dev/null",
    "VerifyHostKeyDNS": "no",
    "NoHostAuthenticationForLocalhost": "no",
    "CheckHostIP": "no",
    "UpdateHostKeys": "no",
    # Lend nothing to the host: no agent, display, port, network device or ticket.
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "Tunnel": "no",
    "GSSAPIDelegateCredentials": "no",
    "AddKeysToAgent": "no",
    # Run the command that is given, with its standard input, and nothing besides.
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "SessionType": "default",
    "StdinNull": "no",
    "ForkAfterAuthentication": "no",
    # Say what is wrong, in a form that is understood here.
    "LogLevel": "INFO",
    "FingerprintHash": "sha256",
    "VisualHostKey": "no",
}


def ssh_options(host_key: str, identity_file: str | None, control_path: str | None) -> list[str]:
    """As arguments of ssh. `control_path` is the socket of a shared connection; with None each one is for itself.

    The host key stands in them by itself, with no file to be found or changed (ssh_config(5): KnownHostsCommand).
    """
    options = PINNED | {
        "KnownHostsCommand": f"/bin/echo %H {host_key}",
        "HostKeyAlgorithms": algorithms(host_key),
        "ControlMaster": "auto" if control_path else "no",
        "ControlPath": control_path or "none",
        # If nobody closes it, it ends by itself.
        "ControlPersist": "30" if control_path else "no",
    }
    if identity_file:
        options |= {"IdentityFile": identity_file, "IdentitiesOnly": "yes"}
    return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
