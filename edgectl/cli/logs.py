"""`edgectl logs`: what a store's pods write, by the name of a pod or of its workload."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.events import need_text
from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import EdgectlError, UsageError

if TYPE_CHECKING:
    from edgectl.control.inside.asked import Asking
    from edgectl.control.inside.logs import Line, Wanted
    from edgectl.control.inside.pods import Pod

_EPILOG = """\b
Examples:
  edgectl logs store-042                         (which pods there are)
  edgectl logs store-042 inference
  edgectl logs store-042 inference --previous    (before its last restart)
  edgectl logs store-042 vision/camera -c camera --tail 20 --follow
  edgectl logs store-042 deployment/uplink --since 10m

What a pod writes is shown without colours and control characters; times of
lines are in -o json. Where a workload has several pods, each line names its."""
_TUNNEL_SECONDS = 4 * 3600.0
_ONCE_SECONDS = 600.0

Asked = Annotated[
    str, typer.Argument(metavar="[POD|WORKLOAD]", help="inference, vision/inference, deployment/inference.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs", epilog=_EPILOG)(logs)


def logs(
    store: StoreName,
    name: Asked = "",
    *,
    container: Annotated[str, typer.Option("--container", "-c", metavar="NAME", help="Of its containers.")] = "",
    previous: Annotated[bool, typer.Option("--previous", help="Of the container before its last restart.")] = False,
    tail: Annotated[int, typer.Option("--tail", metavar="N", help="The newest N lines of each.")] = 200,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="Not older than: 30m, 2h, 1d.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Show what a store's pods write."""
    from edgectl.cli.result import show
    from edgectl.cli.tunnel import ended_by_signals, length, opened

    need_text(output, follow=follow)
    if previous and follow:
        raise UsageError("a container that has ended writes nothing more", hint="leave out --follow, or --previous")
    if follow and not name:
        raise UsageError("of which pod?", hint=f"edgectl logs {store} lists those that there are")
    if tail < 0:
        raise UsageError(f"--tail {tail}: 0 at least")
    back = length(since, "--since") if since else None
    seconds = _TUNNEL_SECONDS if follow else _ONCE_SECONDS
    with ended_by_signals(), opened(store, inventory, seconds, verbose=verbose) as there:
        from edgectl.control.inside.asked import Asking
        from edgectl.control.inside.logs import Wanted, read
        from edgectl.control.inside.pods import meant, pods_of
        from edgectl.report.inside import pods as table

        asking = Asking(there)
        pods = pods_of(asking.document(asking.api.list_pod_for_all_namespaces).get("items") or ())
        if not name:
            return show(output, {"store": store, "pods": [asdict(pod) for pod in pods]}, table(store, pods))
        found = meant(pods, name, store=store)
        chosen = [(pod, pod.container(container)) for pod in found]
        wanted = Wanted(previous=previous, tail=tail, since=back)
        if follow:
            return _follow(asking, chosen, wanted)
        every = (line for pod, one in chosen for line in read(asking, pod, one, wanted))
        if output is Format.JSON:
            return show(output, {"store": store, "lines": [asdict(line) for line in every]}, "")
        _write(every, named=len(chosen) > 1)
        _others(found, container)
        return 0


def _write(lines: Iterator[Line], *, named: bool, lock: threading.Lock | None = None) -> bool:
    """Show lines as they come; returns whether somebody has read them all."""
    from edgectl.cli.result import tell

    lock = lock or threading.Lock()
    for line in lines:
        head = f"{line.pod}  " if named else ""
        with lock:
            if not tell(f"{head}{line.text}\n"):
                return False
    return True


def _others(found: Sequence[Pod], asked: str) -> None:
    """Say which other containers there are, where one was chosen for the person."""
    pod = found[0]
    if not asked and len(pod.containers) > 1:
        others = ", ".join(one for one in pod.containers if one != pod.default)
        sys.stderr.write(f"  of {pod.default}; {pod.workload} has {others}, too: -c NAME\n")


def _follow(asking: Asking, chosen: Sequence[tuple[Pod, str]], wanted: Wanted) -> int:
    """Show several at once, until all have ended, nobody reads them any more, or Ctrl-C."""
    from edgectl.control.inside.logs import follow

    lock, enough, troubles = threading.Lock(), threading.Event(), list[EdgectlError]()

    def one(pod: Pod, container: str) -> None:
        try:
            is_read = _write(follow(asking, pod, container, wanted), named=len(chosen) > 1, lock=lock)
        except EdgectlError as error:
            troubles.append(error)
            return
        if is_read:
            sys.stderr.write(f"  {pod.place} has ended\n")
        else:
            enough.set()

    readers = [threading.Thread(target=one, args=pair, daemon=True) for pair in chosen]
    for reader in readers:
        reader.start()
    try:
        for reader in readers:
            while reader.is_alive() and not enough.is_set():
                reader.join(0.5)
    except KeyboardInterrupt:
        return 0
    if troubles:
        raise troubles[0]
    return 0
