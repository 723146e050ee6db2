"""`edgectl tunnel`: a store's Kubernetes API on a port of this machine, for programs that only read."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgectl.cli.options import DEFAULT_INVENTORY, Format, InventoryPath, Output, StoreName, Verbose
from edgectl.wire.errors import UsageError

if TYPE_CHECKING:
    from edgectl.control.tunnel.tunnel import Tunnel

_EPILOG = """\b
Examples:
  edgectl tunnel store-042                     (then: KUBECONFIG=... k9s)
  edgectl tunnel store-042 -- k9s
  edgectl tunnel store-042 -- kubectl get pods -A
  edgectl tunnel store-042 --for 30m --port 16443 --kubeconfig ./042.yaml

The kubeconfig reads and changes nothing: no secrets, no exec, no forwarding.
Its path is on stdout; it and its token go with the tunnel. Without a command
Ctrl-C ends it; with one, the exit code is the command's own."""
_LONGEST = 24 * 3600.0
_ENDS_SECONDS = 0.5
_LAST_PORT = 65535

Command = Annotated[
    list[str] | None, typer.Argument(metavar="COMMAND", help="Run this with KUBECONFIG set, behind --.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tunnel", epilog=_EPILOG)(tunnel)


def tunnel(
    store: StoreName,
    command: Command = None,
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 30m, 2h, 24h at most.")] = "2h",
    kubeconfig: Annotated[
        Path | None, typer.Option("--kubeconfig", metavar="FILE", help="Write it here; never over another file.")
    ] = None,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", help="Of this machine; a free one when not given.")
    ] = 0,
    inventory: InventoryPath = DEFAULT_INVENTORY,
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Open a store's Kubernetes API here, for programs that only read."""
    if command and output is Format.JSON:
        raise UsageError("what the command prints is its own", hint="leave out -o json, or the command")
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"--port {port} is no port", hint="1 to 65535; a free one without --port")
    if command and shutil.which(command[0]) is None:
        raise UsageError(f"{command[0]} is not found", hint="is it installed, and on PATH?")
    seconds = length(lasts, "--for")
    with ended_by_signals(), opened(store, inventory, seconds, path=kubeconfig, port=port, verbose=verbose) as there:
        if command:
            return _run(there, command)
        return _hold(there, output, seconds)


def length(text: str, option: str) -> float:
    """Return a length of time in seconds; UsageError names the option."""
    from edgectl.wire.length import seconds

    try:
        return seconds(text, longest=_LONGEST)
    except ValueError as error:
        raise UsageError(f"{option} {text} is no length of time: {error}") from error


@contextmanager
def opened(
    store: str, inventory: Path, seconds: float, *, path: Path | None = None, port: int = 0, verbose: bool = False
) -> Iterator[Tunnel]:
    """Give a tunnel to a store's lead, who must let us be root there; it goes with the block."""
    from edgectl.cli import store as stores
    from edgectl.cli.door import doors
    from edgectl.cli.signed import need_root
    from edgectl.control.audit.own import audited
    from edgectl.control.deploy.operator import sender
    from edgectl.control.tunnel.tunnel import Tunnel

    found = stores.find(store, inventory)
    need_root(found.lead, "a way into the store's Kubernetes")
    door = doors((found.lead,), stores.runtime(), verbose=verbose)[found.lead.name]
    me = sender()
    there = Tunnel(found.name, door.open, tell=_tell, path=path.expanduser() if path else None, port=port)
    noted = audited(found.name, "reader", asked={"seconds": f"{seconds:.0f}"})
    with stores.speaking_of(found.name), noted, there.open(who=f"{me.user}@{me.host}", seconds=seconds):
        yield there


def _tell(sentence: str) -> None:
    sys.stderr.write(f"  tunnel    {sentence}\n")
    sys.stderr.flush()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let what ends this program from outside end it as Ctrl-C does: nothing is left behind."""

    def stop(number: int, frame: object) -> None:
        del frame
        raise KeyboardInterrupt(number)

    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hold(there: Tunnel, output: Format, seconds: float) -> int:
    """Stay until Ctrl-C or the end of its time."""
    from edgectl.cli.result import show

    until = f"{min(there.ends, datetime.now(UTC) + timedelta(seconds=seconds)):%Y-%m-%d %H:%M} UTC"
    server = f"https://127.0.0.1:{there.port}"
    _tell(f"{there.store}'s Kubernetes API is at {server}, to read, until {until}; Ctrl-C ends it")
    document = {"store": there.store, "kubeconfig": str(there.path), "server": server, "until": there.ends.isoformat()}
    show(output, document, str(there.path))
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if there.failed is not None:
                raise there.failed
            time.sleep(_ENDS_SECONDS)
    except KeyboardInterrupt:
        _tell("closed: its token opens nothing any more")
        return 0
    _tell(f"its time is over ({seconds / 60:.0f} min): closed")
    return 0


def _run(there: Tunnel, command: list[str]) -> int:
    """Run a command with the tunnel; returns its exit code. Ctrl-C is the command's: it hears it from the terminal."""
    import os
    import subprocess

    try:
        child = subprocess.Popen(command, env={**os.environ, "KUBECONFIG": str(there.path)})
    except OSError as error:
        raise UsageError(
            f"{command[0]} cannot be run: {error.strerror}", hint="is it installed, and on PATH?"
        ) from error
    interrupted = 0
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt as stop:
            interrupted += 1
            if interrupted > 1:  # it does not listen
                child.kill()
            elif stop.args:  # it was for us alone
                child.send_signal(stop.args[0])
            continue
        return code if code >= 0 else 128 - code
