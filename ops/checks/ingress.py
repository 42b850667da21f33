"""The application asked for through its Ingress, at the address that users have."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from components.outputs import StackOutputs
from ops import cli, site
from ops.checks.check import Check
from ops.ops_error import OpsError

ROUTED_SECONDS = 20
"""How long a controller may take until it serves a new Ingress."""
Ask = Callable[..., site.Answer]


@dataclass(frozen=True, kw_only=True)
class Controller:
    """Where the Ingress controller of a namespace listens, besides the addresses that the names have."""

    at: tuple[str, int] | None
    """Given by the user; in place of every other one."""
    reported: tuple[str, ...] = ()
    """Addresses that the Ingresses of the namespace report."""

    @classmethod
    def of(cls, namespace: str, at: tuple[str, int] | None) -> "Controller":
        """Asks the cluster, with the ambient kubeconfig; what it does not say is left out."""
        listed = cli.run("kubectl", "get", "ingresses.networking.k8s.io", "-n", namespace, "-o", "json")
        items = json.loads(listed.stdout)["items"] if listed.returncode == 0 and listed.stdout.strip() else []
        found = [
            str(entry.get("ip") or entry.get("hostname"))
            for item in items
            for entry in item.get("status", {}).get("loadBalancer", {}).get("ingress") or []
        ]
        return cls(at=at, reported=tuple(dict.fromkeys(found)))


def ask(url: str, path: str | None, controller: Controller, ca: str | None, asking: Ask = site.ask) -> Check:
    """Whether the application answers at its URL, and what was seen; `path` is asked for below the URL's own.

    None if nothing can be reached from here, as from a job's network, unless the user has given the address, and if
    the URL's own path is not found: not every application has a page there.
    """
    parts = urlsplit(url)
    host, wanted = parts.hostname or "", f"{parts.path.rstrip('/')}{path or '/'}"
    trust, port = (site.trusting(ca), site.PORT) if parts.scheme == "https" else (None, site.PLAIN_PORT)
    where, unreachable = f"{parts.scheme}://{host}{wanted}", []
    places = [controller.at] if controller.at else [(host, port), *((one, port) for one in controller.reported)]
    for at in places:
        shown = where if at[0] == host else f"{where} at {site.shown(at)}"
        try:
            answer = asking(host, wanted, trust, at=at)
        except site.UnreachableError as error:
            unreachable.append(f"{site.shown(at)}: {error}")
            continue
        except site.UntrustedError as error:
            return False, f"{shown}, but: {error} (gitlab-deploy:kubernetes.tlsSecret)"
        except OpsError as error:
            return False, f"{shown}, but: {error}"
        if answer.status in {404, 502, 503, 504}:
            return None if path is None and answer.status == 404 else False, (
                f"{shown}, but: status {answer.status}, which an Ingress controller says if it has no route or no Pod "
                "for it; see 'kubectl describe ingress', and name a path that the application has with --path"
            )
        return answer.status < 500, f"{shown}: answers through its Ingress, status {answer.status}"
    return False if controller.at else None, (
        f"{where}: could not be asked from here ({'; '.join(unreachable)}); see that an Ingress controller serves its "
        "class and that the name leads there, or name its address with --proxy"
    )


def checks(namespace: str, outputs: StackOutputs[str], arguments: argparse.Namespace) -> Iterator[Check]:
    """Each address of the application on Kubernetes, by the arguments of `ops verify`."""
    urls = outputs.get("addresses", {}).get("kubernetes", ())
    if not urls:
        return
    # The proxy of a Docker host, if the stack has one too, is another one.
    at = None if outputs.get("dockerHost") or outputs.get("compose") else arguments.proxy
    controller = Controller.of(namespace, at)
    end = time.monotonic() + ROUTED_SECONDS
    for url in urls:
        while True:
            passed, text = ask(url, arguments.path, controller, arguments.ca)
            if passed is not False or time.monotonic() > end:
                break
            time.sleep(0.5)
        yield passed, text
