"""The `edgectl` program: the one `except` that turns failures into sentences and exit codes.

Owns exit codes and where things go: the result to stdout, the rest to stderr, a bug's traceback to a log file.
Imports nothing that `--help` does not need.
"""

from __future__ import annotations

import io
import os
import re
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer._click.exceptions import (  # typer carries its own Click and re-exports only parts of it
    ClickException,
    NoArgsIsHelpError,
    NoSuchOption,
)
from typer.main import get_command

from edgectl.cli.commands import TABLE, Commands
from edgectl.cli.plainly import HELP, plainly
from edgectl.wire.errors import Bug, EdgectlError, Exit, UsageError

if TYPE_CHECKING:
    from typing_extensions import Buffer

app = typer.Typer(
    name="edgectl",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": HELP, "max_content_width": 80},
)


@app.callback(
    epilog="""\b
Examples:
  edgectl init                      (a commented inventory to start with)
  edgectl sandbox up store-042      (or a whole store on this machine)
  edgectl deploy store-042
  edgectl deploy --help             (each command has examples)

Results go to stdout, progress to stderr; -o json gives one document on stdout,
also for errors. Exit codes: docs/errors.md."""
)
def edgectl() -> None:
    """Bring a computer-vision store from bare metal to proven inference, and keep it there."""


def main() -> None:
    """Run and exit."""
    if stderr := sys.stderr:
        file = io.BufferedWriter(_Said(stderr.fileno(), "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(file, encoding=stderr.encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Unicode gets escapes, never a crash
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _cancelled)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # once more, while it is told how the first one, or whatever else, has ended
        code = int(Exit.INTERRUPTED)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's own flush would complain
    sys.exit(code)


class _Said(io.FileIO):
    """What is said on the way: where its reader has gone it is lost, and nothing else is."""

    def write(self, data: Buffer, /) -> int:
        """Write, if somebody reads."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def _cancelled(*_: object) -> None:
    """End as by Ctrl-C: a CI server cancels a job so, and the node goes on all the same."""
    raise KeyboardInterrupt


def run(argv: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    as_json = wants_json(argv)
    try:
        code = plainly(get_command(app)).main(args=list(argv), prog_name="edgectl", standalone_mode=False)
        return int(code or 0)
    except NoArgsIsHelpError as error:
        where = error.ctx.command_path
        if not as_json:
            sys.stderr.write(error.format_message() + "\n\n")
        return _end(UsageError(f"{where}: which command?", hint=f"choose one; {where} COMMAND --help"), as_json=as_json)
    except ClickException as error:
        return _end(_misused(error), as_json=as_json)
    except EdgectlError as error:
        return _end(error, as_json=as_json)
    except SystemExit as end:  # completion ends so; and typer does when the reader of our stdout has had enough
        if isinstance(end.__context__, BrokenPipeError):
            return _broken(end.__context__, argv, as_json=as_json)
        return int(end.code or 0)
    except KeyboardInterrupt:  # the second one: at once, and without a word that could hang
        return int(Exit.INTERRUPTED)
    except BrokenPipeError as error:
        return _broken(error, argv, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a sentence
        return _end(_bug(error, argv), as_json=as_json)


def _broken(error: BrokenPipeError, argv: Sequence[str], *, as_json: bool) -> int:
    """Return 0 where the reader of a help page has had enough; a pipe to somebody else that broke is a bug."""
    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)
    return int(Exit.OK) if asked.poll(0) else _end(_bug(error, argv), as_json=as_json)


def wants_json(argv: Sequence[str]) -> bool:
    """Return whether one JSON document is wanted on stdout, also where the command line cannot be understood."""
    own = list(argv[: list(argv).index("--")] if "--" in argv else argv)
    return re.search(r"(^|\n)(--output[=\n]|-[a-z]*o\n?)json(\n|$)", "\n".join(own)) is not None


def _end(error: EdgectlError, *, as_json: bool) -> int:
    from edgectl.cli.reports import annotates
    from edgectl.report.advice import for_error
    from edgectl.report.words import failed

    error.hint, error.docs = for_error(error), error.docs or f"exit-{int(error.exit)}"
    if as_json:
        from edgectl.cli.result import write_document

        write_document(error.to_json())
    sys.stderr.write(failed(error) + "\n")
    if annotates():
        from edgectl.report.annotations import of_error

        sys.stderr.write("".join(f"{line}\n" for line in of_error(error)))
    return int(error.exit)


def _misused(error: ClickException) -> UsageError:
    """Say a wrong command line with what would be right."""
    from difflib import get_close_matches

    context = getattr(error, "ctx", None)
    where = context.command_path if context else "edgectl"
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    hint = f"{where} --help shows the options, with examples"
    if found := re.fullmatch(r"No such command '(.*)'", message):
        known = list(TABLE) if where == "edgectl" else list(context.command.commands) if context else []
        near = get_close_matches(found[1], known, n=1, cutoff=0.5)
        hint = f"did you mean `{where} {near[0]}`?" if near else f"{where} --help shows all commands"
    elif isinstance(error, NoSuchOption) and where.split()[-1] in {"ssh", "kubectl"}:
        hint = f"what is not for edgectl goes behind --, as in: {where} STORE -- ... {error.option_name}"
    return UsageError(message, hint=hint)


def _bug(error: Exception, argv: Sequence[str]) -> Bug:
    import tempfile
    import traceback

    text = f"edgectl {' '.join(argv)}\n\n{''.join(traceback.format_exception(error))}"
    try:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "edgectl"
        state.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="bug-", suffix=".log", dir=state)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except (OSError, RuntimeError):
        name = "nowhere: the state directory cannot be written"
    return Bug(
        f"edgectl has a bug: {type(error).__name__}: {error}",
        hint="report it with the log file; what the node was asked to do, it finishes by itself",
        details=(f"log: {name}",),
    )
