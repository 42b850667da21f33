"""What is wrong with a private key, which ssh in batch mode passes over in silence. No Pulumi here."""

import os
import subprocess
from pathlib import Path


def private_key_problem(identity_file: str) -> str | None:
    """One sentence for the cause and one for the fix, or None; `~` and ${VARIABLE} are expanded as ssh does it."""
    path = Path(os.path.expandvars(Path(identity_file).expanduser()))
    if not path.is_file():
        return f"there is no private key at {path}; check gitlab-deploy:dockerHost.identityFile"
    try:
        content = path.read_bytes()
    except OSError:
        return f"the private key {path} cannot be read by this user; make it its owner"
    if b"\r\n" in content:
        return (
            f"the private key {path} has Windows line ends (CRLF), which ssh does not read; save it with those of Unix "
            "(LF), in a GitLab variable as well"
        )
    if content.rstrip() and not content.endswith(b"\n"):
        return (
            f"the private key {path} ends without a newline, so ssh does not read it; add one behind its last line, in "
            "a GitLab variable as well"
        )
    read = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", path], capture_output=True, text=True, check=False)
    if read.returncode and "UNPROTECTED" not in read.stderr:
        return "the private key has a passphrase, or is damaged; add it to an ssh-agent, or use one without"
    return None
