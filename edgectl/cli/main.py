"""The `edgectl` program: all commands, and the one `except` that turns failures into sentences and exit codes.

Owns exit codes and where things go: the result to stdout, the rest to stderr, a bug's traceback to a log file.
Imports nothing that `--help` does not need.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from typer._click.exceptions import ClickException  # typer carries its own Click and re-exports only parts of it

from edgectl.cli import deploy, init, journal, kubectl, pause, plan, render, sandbox, ssh, status, version
from edgectl.wire.errors import Bug, EdgectlError, Exit, UsageError

app = typer.Typer(
    name="edgectl",
    help="Bring a computer-vision store from bare metal to proven inference, and keep it there.",
    epilog="Start with `edgectl init`, or with a store on this machine: `edgectl sandbox up store-042`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for module in (init, render, plan, deploy, status, journal, pause, ssh, kubectl, sandbox, version):
    module.register(app)


def main() -> None:
    """Run and exit."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    as_json = wants_json(argv)
    try:
        code = app(args=list(argv), prog_name="edgectl", standalone_mode=False)
        return int(code or 0)
    except ClickException as error:
        wrong = UsageError(error.format_message(), hint="edgectl --help shows every command with examples")
        return _end(wrong, as_json=as_json)
    except EdgectlError as error:
        return _end(error, as_json=as_json)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:  # the reader of our stdout has had enough
        return int(Exit.OK)
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a sentence
        return _end(_bug(error, argv), as_json=as_json)


def wants_json(argv: Sequence[str]) -> bool:
    """Return whether one JSON document is wanted on stdout, also where the command line cannot be understood."""
    pairs = zip(argv, [*argv[1:], ""], strict=True)
    return any(
        (word in {"-o", "--output"} and after == "json") or word in {"--output=json", "-ojson"} for word, after in pairs
    )


def _end(error: EdgectlError, *, as_json: bool) -> int:
    from edgectl.report.words import failed

    if as_json:
        sys.stdout.write(json.dumps(error.to_json(), indent=2, ensure_ascii=False) + "\n")
    sys.stderr.write(failed(error) + "\n")
    return int(error.exit)


def _bug(error: Exception, argv: Sequence[str]) -> Bug:
    import os
    import tempfile
    import traceback

    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "edgectl"
    text = f"edgectl {' '.join(argv)}\n\n{''.join(traceback.format_exception(error))}"
    try:
        state.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="bug-", suffix=".log", dir=state)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError:
        name = "nowhere: the state directory cannot be written"
    return Bug(
        f"edgectl has a bug: {type(error).__name__}: {error}",
        hint="the store is as it was; please report this with the log file",
        details=(f"log: {name}",),
    )
