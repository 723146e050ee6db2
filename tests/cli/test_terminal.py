"""What a person sees while a deploy runs: on a terminal, without one, without colour, in 80 columns."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr

import pytest

from edgectl.control.deploy.caps import Caps, Forecast
from edgectl.control.deploy.transfer import Progress
from edgectl.control.payload.effects import Pause
from edgectl.report.terminal import Terminal
from edgectl.wire import event

LONG = (
    "the node is not Ready: [container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized]"
)


class Tty(io.StringIO):
    """A terminal, 80 columns, ASCII."""

    encoding = "ascii"

    def isatty(self) -> bool:
        """Say yes."""
        return True


@pytest.fixture
def tty(monkeypatch: pytest.MonkeyPatch) -> Tty:
    """Return a terminal, to be put behind stderr."""
    terminal = Tty()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return terminal


def step(word: str, reason: str = "fine", **more: object) -> dict[str, object]:
    return {"kind": event.STEP, "word": word, "title": "kubernetes", "reason": reason, **more}


def deploy(shown: Terminal) -> None:
    """Go through all that a deploy can tell."""
    shown.connecting("node-1")
    shown.connected({"sequence": 1})
    shown.wanted(2, 1_000_000)
    shown.foreseen(Forecast(62, 16_000, "network.downlink_mbit"), (Pause("vision-stack/Deployment/inference", LONG),))
    shown.limited(62_500, Caps(asked=62_500))
    shown.sending(lambda: Progress(500_000, 1_000_000, 237_500, 29.4))
    shown.sending(lambda: Progress(750_000, 1_000_000, 237_500, 14.4))
    shown.sending(lambda: Progress(1_000_000, 1_000_000, 237_500, 0))
    shown.started("8f3a", 2)
    shown.event(step(event.OK))
    shown.event(step(event.WAITING, LONG))
    shown.event(step(event.CHANGING, differences=[["a", "1", "2"]]))
    shown.event(step(event.CHANGED))
    shown.link_lost("the link to node-1 is lost: " + LONG, 1)
    shown.link_lost("again", 2)
    shown.link_lost("again", 3)
    shown.link_back()
    shown.event({"kind": event.NOTE, "reason": "going back to sequence 1"})
    shown.event(step(event.FAILED, LONG, evidence=["out of memory"]))
    shown.close()


def deploy_on(tty: Tty, head: str) -> str:
    """Return what a deploy has written to a terminal."""
    with redirect_stderr(tty):
        deploy(Terminal(head=head, all_bytes=2_000_000))
    assert head in tty.getvalue()
    return tty.getvalue()


def test_on_a_terminal_lines_fit_and_waiting_is_taken_back(tty: Tty) -> None:
    """80 columns, no Unicode, a spinner for what passes, and nothing left behind at the end."""
    text = deploy_on(tty, "store-042  Berlin   1 node")
    assert text.isascii()
    assert "connecting to node-1" in text
    assert "reconnecting (3)" in text
    assert text.count("\x1b[?25h") == text.count("\x1b[?25l") > 0, "the cursor is back"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert max(len(line) for part in plain.split("\r") for line in part.split("\n")) <= 80
    assert "  changed   kubernetes           fine" in plain


def test_no_color_means_none(tty: Tty, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours, not the words."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38;)", deploy_on(tty, "store-042"))


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_gets_plain_lines(term: str, tty: Tty, monkeypatch: pytest.MonkeyPatch) -> None:
    """No spinner, no bar, no escape."""
    monkeypatch.setenv("TERM", term)
    text = deploy_on(tty, "store-042")
    assert "\x1b" not in text
    assert "\r" not in text
    assert f"  waiting   kubernetes           {LONG}" in text.splitlines()


def test_without_a_terminal_every_line_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """A log can be searched: one line an event, however long; each waiting reason is there once."""
    deploy(Terminal(head="store-042  Berlin   1 node", all_bytes=2_000_000))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "store-042  Berlin   1 node"
    assert lines[1] == "  send      2 blobs, 1.0 MB of 2.0 MB (the rest is there)"
    assert f"  waiting   kubernetes           {LONG}" in lines
    assert "            a: 1 -> 2" in lines
    assert [line for line in lines if "again" in line] == []


def test_nothing_is_said_when_nothing_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """A deploy that finds all as declared has its one line on stdout, and no other."""
    shown = Terminal(head="store-042")
    shown.connecting("node-1")
    shown.connected({})
    shown.wanted(0, 0)
    shown.started("8f3a", 2)
    shown.event(step(event.OK))
    shown.close()
    assert capsys.readouterr().err == ""


def test_verbose_says_all_from_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    """What is fine, too, and the evidence of what is not."""
    shown = Terminal(head="store-042", verbose=True)
    shown.event(step(event.OK))
    shown.event(step(event.FAILED, evidence=["out of memory"]))
    shown.close()
    said = capsys.readouterr().err
    assert said.startswith("store-042\n  ok        kubernetes")
    assert "            out of memory" in said


def test_a_log_gets_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal: whole lines, not one a piece, and the end."""
    now = 0.0
    shown = Terminal(head="store-042", clock=lambda: now)
    shown.wanted(1, 31_000_000)
    for second in range(32):
        now = float(second)
        sent = 1_000_000 * second
        shown.sending(lambda sent=sent: Progress(sent, 31_000_000, 1_000_000, 31 - sent / 1e6))  # type: ignore[misc]
    shown.close()
    assert capsys.readouterr().err.splitlines()[2:] == [
        "  sent      10.0 / 31.0 MB    32 %   8.0 Mbit/s   0:21 left",
        "  sent      20.0 / 31.0 MB    64 %   8.0 Mbit/s   0:11 left",
        "  sent      30.0 / 31.0 MB    96 %   8.0 Mbit/s   0:01 left",
        "  sent      31.0 MB",
    ]


def test_on_a_terminal_the_line_moves_and_goes(tty: Tty) -> None:
    """Bar, bytes, percents, rate and time on one line of 80 columns, without Unicode; one line stays at the end.

    Whoever loses the link reads that, and the bar begins where it was.
    """
    at = [24_100_000]
    look = lambda: Progress(at[0], 31_000_000, 237_500, (31_000_000 - at[0]) / 237_500)  # noqa: E731
    with redirect_stderr(tty):
        shown = Terminal()
        shown.sending(look)
        shown.link_lost("the link to node-1 is lost: cut", 1)
        shown.link_back()
        shown.sending(look)
        at[0] = 31_000_000
        shown.sending(look)
        shown.sending(look)
        shown.close()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", tty.getvalue())
    assert plain.isascii()
    assert max(len(line) for part in plain.split("\r") for line in part.split("\n")) <= 80
    assert "24.1 / 31.0 MB    77 %   1.9 Mbit/s   0:29 left" in plain
    assert re.search(r"  sent +-+ +24\.1", plain), "a bar before it"
    assert re.search(r"link lost at \d\d:\d\d:\d\d\. The store goes on by itself\. Reconnecting \.\.\.", plain)
    assert plain.count("  sent      31.0 MB\n") == 1
