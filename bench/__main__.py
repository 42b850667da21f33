"""`python -m bench`: boots a sandbox of its own, measures, and writes the data, the page and the plots.

A section that fails is named in the table and in the exit status; the others run all the same. Nothing is left behind:
the sandbox goes at the end, and with it whatever a section has not removed.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import applications, docker, file_stacks, host, image_changes, kubernetes, report, stacks
from bench.results import Context, Results, Section
from bench.sample import BenchError, spread
from sandbox.instance import Instance
from sandbox.names import CACHE, ROOT
from sandbox.toolchain.build import programs
from sandbox.toolchain.modules import COMPOSE, HELM

DATA = ROOT / "docs" / "performance" / "data.json"
SECTIONS = {
    "application": Section(title="The application alone, on Kubernetes", seconds=240, measure=kubernetes.application),
    "whole": Section(title="The whole stack, on Kubernetes", seconds=180, measure=kubernetes.whole_stack),
    "broken": Section(title="A broken image", seconds=80, measure=kubernetes.broken_image),
    "docker": Section(title="The application on a Docker host", seconds=160, measure=docker.image_change),
    "manifests": Section(title="A stack of 50 manifests", seconds=60, measure=file_stacks.manifests),
    "compose": Section(title="A compose file of 20 services", seconds=100, measure=file_stacks.compose),
    "status": Section(title="ops status", seconds=30, measure=stacks.status),
    "applications": Section(title="Many applications", seconds=240, measure=applications.applications),
    "image-changes": Section(
        title="Ten image changes under load", seconds=600, measure=image_changes.image_changes, default=False
    ),
    "applications-300": Section(
        title="Three hundred applications", seconds=1200, measure=applications.three_hundred, default=False
    ),
}


def main() -> None:
    """Measures; exit status 1 if a section failed."""
    arguments = _arguments()
    # As Ctrl-C does: the sandbox goes all the same.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    instance = Instance(arguments.name)
    names = arguments.sections or [name for name, section in SECTIONS.items() if section.default]
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    # What is built here is no part of any figure.
    for module in (HELM, COMPOSE):
        programs(module, CACHE)
    try:
        instance.down()
        instance.build()
        begun = time.monotonic()
        instance.up()
        started = time.monotonic() - begun
        for name in names:
            found[name], problem = _run(instance, SECTIONS[name], arguments.runs)
            if problem:
                problems[name] = problem
        versions = host.versions(instance)
    finally:
        instance.down()
    document: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {"sections": {}}
    about = {"host": host.host(), "versions": versions, "day": f"{datetime.now(UTC):%Y-%m-%d}"}
    document |= about
    document["sandbox"] = document.get("sandbox", {}) | {"warm": spread([started])}
    if arguments.cold:
        document["sandbox"]["cold"] = {"cpu": arguments.cold}
    kept = document["sections"]
    document["sections"] = {name: found.get(name, kept.get(name)) for name in SECTIONS if name in {*found, *kept}}
    report.print_table(document)
    if not arguments.dry_run:
        DATA.parent.mkdir(parents=True, exist_ok=True)
        DATA.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        report.write(document, ROOT / "docs")
    for name, problem in problems.items():
        print(f"section {name} failed: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--name", default="bench", help="name of the sandbox (default: bench)")
    parser.add_argument(
        "--runs", type=int, default=5, help="of each subject at most, if the time suffices (default: 5)"
    )
    parser.add_argument(
        "--sections", nargs="*", choices=SECTIONS, metavar="NAME", help=f"some of {', '.join(SECTIONS)}"
    )
    parser.add_argument(
        "--cold", type=float, metavar="SECONDS", help="CPU-seconds of a cold `make up`, to be noted down"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the table, and write no file")
    return parser.parse_args()


def _run(instance: Instance, section: Section, runs: int) -> tuple[dict[str, Any], str | None]:
    """A section's part of the data, and why it failed; what it measured before that is kept."""
    print(section.title, flush=True)
    results = Results()
    begun, before = time.monotonic(), host.load()
    failed: str | None = None
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        context = Context(
            instance=instance,
            folder=Path(folder),
            results=results,
            runs=runs,
            ends=begun + section.seconds,
        )
        try:
            section.measure(context)
        except BenchError as error:
            failed = str(error)
        except (Exception, SystemExit):
            # Whatever it is, the other sections are measured.
            failed = traceback.format_exc(limit=3)
    took = round(time.monotonic() - begun)
    print(f"  {took} s{', FAILED' if failed else ''}", flush=True)
    about = {"title": section.title, "failed": failed is not None, "seconds": took, "load before": before}
    return {**about, **results.document()}, failed


if __name__ == "__main__":
    main()
