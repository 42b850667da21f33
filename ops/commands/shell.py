"""`python -m ops shell`: a shell, or one command, whose kubectl and docker act on what a stack deploys to."""

import argparse
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from components.docker_app.host_check import host_problem
from components.docker_app.remote_docker import RemoteDocker
from components.docker_app.ssh_errors import WrongHostKeyError
from components.outputs import ClusterOutput, ComposeOutput, DockerHostOutput, StackOutputs
from ops import cli, ending
from ops.console import report_error
from ops.docker_socket import docker_socket
from ops.ops_error import OpsError
from ops.stack_name import StackName
from ops.stack_status import StackStatus

HELP = """\
Starts a shell in which kubectl acts in the stack's namespace and docker on its Docker host, over ssh with the pinned
host key; or runs one command there: python -m ops shell prod -- kubectl get pods. Both use your own kubeconfig and your
own ssh key. What the shell needs is in a private folder that is removed at its end; nothing outside of it is changed.
"""
_OTHER_CONTEXTS = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")
"""Variables that would lead docker elsewhere."""
_END_SECONDS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = HELP
    parser.add_argument("stack", type=StackName.parse, metavar="STACK", help="name of the stack")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="one command (default: a shell)"
    )


def run(arguments: argparse.Namespace) -> int:
    """The exit code of the command, or of the shell."""
    stack, command = arguments.stack, arguments.command[arguments.command[:1] == ["--"] :]
    outputs = _outputs(stack)
    with ExitStack() as ended:
        parent = os.environ.get("XDG_RUNTIME_DIR") or None
        folder = Path(ended.enter_context(tempfile.TemporaryDirectory(prefix="gitlab-deploy-", dir=parent)))
        variables, places = {"GITLAB_DEPLOY_STACK": str(stack)}, []
        if namespace := _namespace(outputs):
            variables["KUBECONFIG"] = str(_kubeconfig(outputs, namespace, stack, folder))
            places.append(f"kubectl acts in namespace {namespace} of cluster {outputs['cluster']['name']}")
        host = outputs.get("dockerHost") or outputs.get("compose")
        if host:
            variables["DOCKER_HOST"] = ended.enter_context(docker_socket(_remote(host), folder / "docker.sock"))
            places.append(f"docker on {host['address']}")
        if compose := outputs.get("compose"):
            variables["COMPOSE_PROJECT_NAME"] = compose["project"]
        if not places:
            raise OpsError(f"Stack {stack} has deployed to no cluster and no Docker host; run 'pulumi up' first")
        if not command:
            command = [os.environ.get("SHELL") or "/bin/sh"]
            print(f"stack {stack}: {', '.join(places)}; 'exit' ends this shell", flush=True)
        return _run(command, {key: text for key, text in os.environ.items() if key not in _OTHER_CONTEXTS} | variables)


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    # A signal that comes while the process is being started must not leave it behind.
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in ending.SIGNALS}
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        report_error(f"{command[0]} cannot be run ({error.strerror}); check its name")
        return 127
    # Ctrl-C is for the command in the foreground.
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            ending.leave(came[0])
        code = process.wait()
    except SystemExit:
        # An interactive shell ignores SIGTERM.
        process.send_signal(signal.SIGHUP)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    finally:
        signal.signal(signal.SIGINT, interrupted)
    return code if code >= 0 else 128 - code


def _outputs(stack: StackName) -> StackOutputs[str]:
    exported = cli.run("pulumi", "stack", "export", "--stack", str(stack), "--non-interactive")
    if exported.returncode:
        raise OpsError(f"The state of stack {stack} cannot be read ({cli.last_line(exported.stderr)}); see that error")
    return StackStatus.read(str(stack), exported.stdout).outputs


def _namespace(outputs: StackOutputs[str]) -> str | None:
    block = outputs.get("app") or outputs.get("access")
    return block["namespace"] if block and outputs.get("cluster") else None


def _kubeconfig(outputs: StackOutputs[str], namespace: str, stack: StackName, folder: Path) -> Path:
    """The current context of the user's own kubeconfig, with the namespace, once it is known to lead to the cluster."""
    viewed = cli.run("kubectl", "config", "view", "--minify", "--flatten", "--raw", "--output", "json")
    if viewed.returncode:
        raise OpsError(f"There is no kubeconfig to use ({cli.last_line(viewed.stderr)}); point KUBECONFIG at one")
    config: dict[str, Any] = json.loads(viewed.stdout)
    _require_cluster(outputs["cluster"], namespace, config["clusters"][0]["cluster"].get("server", ""))
    (context,) = config["contexts"]
    context["name"] = config["current-context"] = str(stack)
    context["context"]["namespace"] = namespace
    file = folder / "kubeconfig"
    file.touch(0o600)
    file.write_text(json.dumps(config))
    return file


def _require_cluster(cluster: ClusterOutput[str], namespace: str, server: str) -> None:
    """OpsError if the kubeconfig leads to another cluster, or to another address and cannot show that it does not."""
    elsewhere = OpsError(
        f"The kubeconfig leads to {server}, and the stack was put up on another cluster, '{cluster['name']}' "
        f"at {cluster['server']}; point KUBECONFIG at that one"
    )
    seen = False
    for name, known in (("kube-system", cluster["uid"]), (namespace, cluster["namespaceUid"])):
        asked = cli.run("kubectl", "get", "namespace", name, "--output", "jsonpath={.metadata.uid}")
        if asked.returncode == 0 and known:
            seen = True
            if asked.stdout != known:
                raise elsewhere
    if not seen and server != cluster["server"]:
        raise elsewhere


def _remote(host: DockerHostOutput[str] | ComposeOutput[str]) -> RemoteDocker:
    remote = RemoteDocker(
        address=host["address"], host_key=host["hostKey"], identity_file=host.get("identityFile") or None
    )
    try:
        problem = host_problem(remote)
    except WrongHostKeyError as error:
        problem = str(error)
    if problem:
        raise OpsError(problem)
    return remote
