"""`edgectl bundle packages`: packages of Debian's or Ubuntu's with all that they need, into a folder to build from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from edgectl.cli.options import Format, Output, Verbose

_EPILOG = """\b
Examples:
  edgectl bundle packages jq chrony --to debs --suite bookworm
  edgectl bundle packages nvidia-driver=535.183.01-1~deb12u1 --to debs \\
      --suite bookworm --status node-1.status
  edgectl bundle packages our-agent --to debs --suite ./ \\
      --mirror https://apt.example/stores --keyring apt.example.gpg
  edgectl bundle build --from debs

Needs apt, and changes nothing of this machine: apt gets state, lists and
cache of its own, in a folder that goes. Without --suite it asks the sources
of this machine. Its signature checks are always on; whom you trust is the
keyring.

--status is a node's /var/lib/dpkg/status: what it has is not brought again.
Without it, only what is essential or required is taken to be there, so that
the folder suits any node of that system. Recommended packages are not brought.

Exit 3: no apt, no such package or version, or the keys do not vouch for it.
Exit 4: a source was not reached. Talks to no node."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("packages", epilog=_EPILOG)(packages)


def packages(
    names: Annotated[list[str], typer.Argument(metavar="NAME[=VERSION]...", help="Packages.", show_default=False)],
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder; made where it is missing.")],
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", metavar="SUITE", help="bookworm, trixie, jammy, noble, or a mirror's. Repeatable."),
    ] = None,
    mirror: Annotated[
        str, typer.Option("--mirror", metavar="URL", help="Where the suite is, if not at its maker's.")
    ] = "",
    component: Annotated[
        list[str] | None,
        typer.Option("--component", metavar="NAME", help="All of Debian or Ubuntu, else main. Repeatable."),
    ] = None,
    keyring: Annotated[
        Path | None, typer.Option("--keyring", metavar="FILE", help="The keys that must have signed the source.")
    ] = None,
    status: Annotated[
        Path | None, typer.Option("--status", metavar="FILE", help="A copy of a node's /var/lib/dpkg/status.")
    ] = None,
    arch: Annotated[Literal["amd64", "arm64"], typer.Option("--arch", help="The node's architecture.")] = "amd64",
    output: Output = Format.TEXT,
    verbose: Verbose = False,
) -> int:
    """Download packages with all that they need, for bundle build --from."""
    del verbose  # all is said
    from edgectl.cli.result import show
    from edgectl.control.debian.download import download
    from edgectl.control.debian.origin import origin
    from edgectl.report.words import count, size
    from edgectl.wire.errors import UsageError

    if not suite and (mirror or component or keyring):
        raise UsageError("--mirror, --component and --keyring need a --suite", hint='"./" for a folder with Packages')
    source = origin(tuple(suite), mirror, tuple(component or ()), keyring, arch) if suite else None

    def say(sentence: str) -> None:
        sys.stderr.write(f"  fetching  {sentence}\n")
        sys.stderr.flush()

    got = download(names, to, source, say, arch=arch, status=status)
    document = {
        "folder": str(to),
        "packages": [
            {
                "name": one.control.name,
                "version": one.control.version,
                "arch": one.control.arch,
                "size": one.size,
                "file": one.path.name,
            }
            for one in got
        ],
    }
    lines = [f"  {one.control.name} {one.control.version} {one.control.arch}  {size(one.size)}" for one in got]
    total = size(sum(one.size for one in got))
    lines.append(f"{to} has {', '.join(names)} and what they need: {count(len(got), 'package')}, {total}")
    lines.append(f"next: edgectl bundle build --from {to}")
    return show(output, document, "\n".join(lines))
