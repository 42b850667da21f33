"""The state of a container and the last lines of its log, as text that can be shown. No Pulumi here."""

import json
from collections.abc import Collection
from typing import cast

from components.docker_app.remote_docker import RemoteDocker
from components.printable import printable, without_secrets

_LINES = 10


def last_log_lines(remote: RemoteDocker, container: str, secrets: Collection[str] = ()) -> list[str]:
    """Line by line: a container's state, the output of its health check, and the end of its log; no secret of these."""

    def shown(text: str) -> str:
        return printable(without_secrets(text, secrets))

    inspected = remote.run("inspect", "--format", "{{json .State}}", container)
    if inspected.returncode:
        return [f"Container {container} does not exist any more"]
    state = cast("dict[str, object]", json.loads(inspected.stdout))
    health = cast("dict[str, object]", state.get("Health") or {})
    code = f", exit {state.get('ExitCode')}" if state.get("Status") != "running" else ""
    lines = [f"Container {container}: {state.get('Status')}{code}, {health.get('Status', 'no health check')}"]
    checks = cast("list[dict[str, object]]", health.get("Log") or [])
    if checks:
        lines.append(f"  health check: exit {checks[-1].get('ExitCode')}, {shown(str(checks[-1]['Output']))}")
    logs = remote.run("logs", "--timestamps", "--tail", str(_LINES), container)
    # Two streams, in the order of their times.
    stamped = sorted(f"{logs.stdout}{logs.stderr}".removesuffix("\n").split("\n"))[-_LINES:]
    return lines + [f"  log: {line}" for line in map(shown, (text.partition(" ")[2] for text in stamped)) if line]
