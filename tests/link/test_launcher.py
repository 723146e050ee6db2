"""The launcher as a program: it starts what was accepted or signed, and refuses all else in one sentence."""

from __future__ import annotations

import hashlib
import lzma
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.link import launcher as operators
from edgectl.control.link.runtime import RuntimeArchive, pack
from edgectl.node.launch import launcher
from edgectl.wire import launch
from edgectl.wire.trust import written
from tests.link.launching import STORE, Node, Said, engine

ENGINE = engine()
IGNORED = 'set -- env --ignore-signal=CHLD "$@"'
ATTACKERS = {"LD_PRELOAD": "/home/x.so", "PYTHONPATH": "/home", "PYTHONHOME": "/home"}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node that trusts ada, and runs nothing yet."""
    found = Node(tmp_path / "node", tmp_path / "keys")
    found.trust()
    return found


def refused(node: Node, said: Said, why: str) -> None:
    """Check that nothing was started, and nothing unpacked."""
    assert (said.code, said.started) == (11, []), said
    assert re.search(why, said.why), said
    assert not said.err, said
    assert not list(node.places.runtimes.glob("*")), "nothing is unpacked that is not signed"
    assert not list(node.places.run.glob("*"))


def test_both_sides_speak_of_the_same() -> None:
    """The launcher stands alone and repeats the words of the wire."""
    assert launcher.NAMESPACE == launch.NAMESPACE
    assert operators.launcher_text() == Path(launcher.__file__).read_text(encoding="utf-8")
    assert operators.launcher_text().startswith("#!/usr/bin/python3 -IS\n")
    assert not re.search(r"^(from|import) edgectl", operators.launcher_text(), re.MULTILINE)


def test_a_signed_engine_is_unpacked_and_started_once(node: Node) -> None:
    """A bare node with a trust starts what is signed, for the account that asks, with nothing of its environment."""
    said = node.run(node.request(ENGINE), env=ATTACKERS)
    assert (said.words, said.code) == (["sign", "run"], 0), said
    arguments, environment, folder = said.started
    assert arguments == ["session", "--signed", "edge"]
    assert {key: environment[key] for key in launcher.ENVIRONMENT} == launcher.ENVIRONMENT
    assert not {*ATTACKERS, "SUDO_USER"} & set(environment)
    assert folder == "/"
    again = node.run(node.request(ENGINE, packed=b""))
    assert "edgectl-link sign here" in again.out
    assert again.started == said.started


def test_an_accepted_engine_needs_no_signature(node: Node) -> None:
    """What a deploy has brought may look at the node: whoever accepted it has judged it. Not after it is gone."""
    assert node.run(node.request(ENGINE)).started
    for link in ("current", "candidate"):
        node.accepted(ENGINE, link=link)
        said = node.run(launch.asked(ENGINE.hex))
        assert (said.words, bool(said.started)) == (["run"], True), said
        (node.places.slots / link).unlink()
    said = node.run(launch.asked(ENGINE.hex) + b"\n")
    assert (said.words, said.why) == (["sign", "refused"], "no signature has come for this engine")
    node.accepted(engine(b"pass"))  # another one
    assert node.run(launch.asked(ENGINE.hex) + b"\n").code == 11


def test_without_a_trust_nothing_starts(node: Node) -> None:
    """Whoever laid the launcher there must have said whom it trusts; an edited trust counts as none."""
    assert node.run(node.request(ENGINE)).started
    node.accepted(ENGINE)
    file = node.places.trust / "trust.json"
    for text, why in (
        (file.read_text().replace("ada@ops", "eve@ops"), "is damaged"),
        (file.read_text().replace('"trust":', '"more":1,"trust":'), "is damaged"),
        ("[]", "is damaged"),
        ("[" * 100_000, "is damaged"),
        ("", "is damaged"),
        (None, "trusts nobody's signature yet"),
    ):
        file.unlink()
        if text is not None:
            file.write_text(text)
        said = node.run(launch.asked(ENGINE.hex))
        assert (said.code, said.started) == (11, [])
        assert why in said.why
        if text is None:
            break


def _head(_: Node, line: str) -> bytes:
    return launch.asked(ENGINE.hex) + line.encode()


def _with(
    node: Node,
    *,
    who: str = "ada",
    statement: bytes | None = None,
    signature: bytes | None = None,
    namespace: str = launch.NAMESPACE,
    after: Callable[[bytes], bytes] = lambda data: data,
) -> bytes:
    data = node.statement(ENGINE) if statement is None else statement
    made = node.signature(data, who, namespace) if signature is None else signature
    return launch.asked(ENGINE.hex) + launch.answered(node.name(), after(data), made, ENGINE.data)


def _other(node: Node) -> bytes:
    evil = engine(b"evil")
    data = node.statement(ENGINE)
    return launch.asked(evil.hex) + launch.answered(node.name(), data, node.signature(data), evil.data)


BAD: dict[str, tuple[Callable[[Node], bytes], str]] = {
    "another request": (lambda _: b"GET / HTTP/1.1\r\n", "no request that edgectl-launch knows"),
    "an endless line": (lambda _: b"x" * 100_000, "no request that edgectl-launch knows"),
    "a path for a digest": (lambda _: b"edgectl-launch 1 ../../../../tmp/evil\n", "no request"),
    "bytes": (lambda _: bytes(range(256)) * 4, "no request"),
    "unsigned": (lambda _: launch.asked(ENGINE.hex) + b"0 0 0 0\n", "no signature has come"),
    "an empty signature": (lambda node: _with(node, signature=b""), "is not what ada@ops has signed"),
    "a huge length": (lambda node: _head(node, f"{node.name()} 70000 1 1\n"), "too large; it was not read"),
    "a huge engine": (lambda node: _head(node, f"{node.name()} 1 1 {(32 << 20) + 1}\n"), "too large"),
    "a length without an end": (lambda node: _head(node, f"{node.name()} 1 1 {'9' * 80}\n"), "no signature has come"),
    "a negative length": (lambda node: _head(node, f"{node.name()} -1 1 1\n"), "no signature has come"),
    "another engine": (_other, "another engine was signed"),
    "other bytes": (lambda node: node.request(ENGINE, packed=engine(b"evil").data), "other bytes than its digest"),
    "no archive": (lambda node: node.request(ENGINE, packed=b"evil"), "other bytes than its digest"),
    "a bomb": (lambda node: node.request(ENGINE, packed=lzma.compress(bytes(30 << 20))), "other bytes"),
    "one byte more": (lambda node: node.request(ENGINE, size=len(ENGINE.tar) - 1), "other bytes"),
    "a size of nothing": (lambda node: node.request(ENGINE, size=0), "cannot be understood"),
    "a size beyond all": (lambda node: node.request(ENGINE, size=1 << 40), "cannot be understood"),
    "another form": (lambda node: node.request(ENGINE, format=2), "cannot be understood"),
    "no document": (lambda node: _with(node, statement=b"[]"), "cannot be understood"),
    "nested too deeply": (lambda node: _with(node, statement=b"[" * 60_000), "cannot be understood"),
    "an engine that is none": (lambda node: node.request(pack({"__main__.py": b""})), "cannot be unpacked"),
    "a changed statement": (
        lambda node: _with(node, after=lambda data: data.replace(b"042", b"043")),
        "is not what ada@ops has signed",
    ),
    "signed as an offer": (lambda node: _with(node, namespace="edgectl-offer"), "is not what ada@ops has signed"),
    "signed for git": (lambda node: _with(node, namespace="git"), "is not what ada@ops has signed"),
    "a stranger's": (lambda node: node.request(ENGINE, who="eve"), "does not know the key"),
    "a stranger's under ada's name": (lambda node: _with(node, who="eve"), "is not what ada@ops has signed"),
    "expired": (lambda node: node.request(ENGINE, expires=node.now - 1, serial=node.now - 9), "has expired"),
    "before the trust": (lambda node: node.request(ENGINE, serial=node.now - 2000), "before the trust was made"),
}


@pytest.mark.parametrize("what", BAD)
def test_whatever_is_not_signed_is_refused(node: Node, what: str) -> None:
    """Law: one sentence, exit 11, and nothing lies on the disk that was not there."""
    make, why = BAD[what]
    refused(node, node.run(make(node)), why)


def test_a_key_counts_as_the_trust_says(node: Node) -> None:
    """Revoked, ended, not begun, of another store: as for a stick."""
    day = 86400
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({}, {"revoked": [node.name()]}, "is revoked"),
        ({"valid_before": written(node.now - 5)}, {}, "does not count now"),
        ({"valid_after": written(node.now + day)}, {}, "does not count now"),
        ({"stores": ("store-9*",)}, {}, "may not sign for store-042"),
    ]
    for fields, trust, why in cases:
        node.trust(node.signer("ada", **fields), **trust)
        refused(node, node.run(node.request(ENGINE, serial=node.now - 10)), why)
    node.trust()
    node.accepted(engine(b"other"), store="store-007")
    refused(node, node.run(node.request(ENGINE)), "belongs to store-007, and the engine was signed for store-042")


def test_what_the_node_has_heard_counts_as_its_clock(node: Node) -> None:
    """A clock that stands years back does not bring an expired statement back to life."""
    heard = {"trust": 3, "store": STORE, "serial": node.now + 9000, "payload": "", "runtime": ""}
    (node.places.trust / "heard.json").write_text(str(heard).replace("'", '"'))
    refused(node, node.run(node.request(ENGINE)), "has expired")


@pytest.mark.parametrize(
    "before",
    [
        IGNORED,  # whoever waits for a child then hears nothing, and Python takes that for a good end
        "ulimit -S -f 0",
        "ulimit -n 20",
        "ulimit -t 100",
        "umask 0777",
        "cd /proc",
        "exec 2>&-",
        "exec 3</etc/passwd 4>&1",
    ],
)
def test_what_a_shell_hands_on_changes_nothing(node: Node, before: str) -> None:
    """Law: signals, limits, folder, mask and open files of the caller neither let a bad signature pass nor a good fail.

    Signals that are left as they come are tried below.
    """
    evil = _with(node, who="eve")
    refused(node, node.run(evil, before=before), "is not what ada@ops has signed")
    good = node.run(node.request(ENGINE), before=before)
    assert good.started, good
    assert oct((node.places.runtime(ENGINE.digest) / "__main__.py").stat().st_mode & 0o777) == "0o644"


def test_no_arguments_and_nobodys_name(node: Node) -> None:
    """The sudo rule allows none; were it wider, the launcher does not. A name that is none is not passed on."""
    refused(node, node.run(node.request(ENGINE), "--signed", "root"), "takes no arguments")
    for name in ("--help", "a b", "", "x" * 99, "$(id)"):
        assert node.run(node.request(ENGINE), env={"SUDO_USER": name}).started[0] == ["session", "--signed", "unknown"]


def test_a_line_that_breaks_anywhere_starts_nothing(node: Node) -> None:
    """Cut at any byte: no engine runs, and none lies there half."""
    whole = node.request(ENGINE)
    spots = random.Random(7).sample(range(len(whole)), 12)  # noqa: S311 - any spots will do
    for at in (0, 1, 30, 80, 81, len(whole) - 1, *spots):
        said = node.run(whole[:at])
        assert (said.code, said.started) in ((75, []), (11, [])), (at, said)
        assert not list(node.places.runtimes.glob("*"))
    assert node.run(whole).started


def test_a_full_disk_is_named(node: Node) -> None:
    """What the disk refuses is a sentence of its own, and nothing half stays."""
    node.places.runtimes.parent.mkdir(parents=True, exist_ok=True)
    node.places.runtimes.write_text("in the way")
    said = node.run(node.request(ENGINE))
    assert (said.code, said.words[-1], said.started) == (73, "failed", [])
    assert said.why in {"Not a directory", "File exists"}


@pytest.mark.parametrize(
    ("was", "becomes", "given"),
    [
        ('if name in trust["revoked"]:', "if False:", "revoked"),
        ("if named != digest:", "if False:", "other"),
        ("if store and of_store != store:", "if False:", "store"),
        ("    verify(run, signer, statement, signature)\n", "", "changed"),
        ("if late >= expires:", "if False:", "expired"),
        ("len(tar) == size and sha256(tar) == digest", "True", "bytes"),
        ('doc["digest"] == sha256(canonical(trust)) and', "", "edited"),
    ],
)
def test_the_laws_bite(node: Node, monkeypatch: pytest.MonkeyPatch, was: str, becomes: str, given: str) -> None:
    """Each judgement that is left out lets something start that the tests above hold back."""
    evil = engine(b"print('[]'[:0] + '[1]')")
    text = operators.launcher_text()
    assert was in text
    monkeypatch.setattr("tests.link.launching.launcher_text", lambda: text.replace(was, becomes))
    requests: dict[str, Callable[[], bytes]] = {
        "revoked": lambda: node.request(ENGINE),
        "other": lambda: _other_signed(node),
        "store": lambda: node.request(ENGINE),
        "changed": lambda: _with(node, after=lambda data: data.replace(b"042", b"043")),
        "expired": lambda: node.request(ENGINE, expires=node.now - 1, serial=node.now - 9),
        "bytes": lambda: node.request(ENGINE, packed=evil.data),
        "edited": lambda: node.request(ENGINE, who="eve"),
    }
    if given == "revoked":
        node.trust(revoked=[node.name()])
    if given == "store":
        node.accepted(evil, store="store-007")
    if given == "edited":
        file = node.places.trust / "trust.json"
        file.write_text(file.read_text().replace(node.signer("ada").key, node.signer("eve").key))
    said = node.run(requests[given]())
    assert "refused" not in said.words or given == "bytes", said
    if given == "bytes":  # the engine's own unpacker has found it: the second wall
        assert "the archive came damaged" in said.why


def test_an_ignored_child_is_an_attack(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGCHLD ignored comes through sudo: whoever believes an exit code alone then takes a bad signature for good.

    Two walls stand against it, and each holds alone; without both, a stranger's engine starts.
    """
    signals = ("signal.signal(one, signal.SIG_IGN if one", "(lambda *_: 0)(one, signal.SIG_IGN if one")
    words = (
        "ran.returncode != 0 or not ran.stdout.startswith(",
        "ran.returncode != 0 or not b'x'.startswith(b'x') and (",
    )
    text = operators.launcher_text()
    assert signals[0] in text
    assert words[0] in text
    for faults, starts in (((signals,), False), ((words,), False), ((signals, words), True)):
        wrong = text
        for fault in faults:
            wrong = wrong.replace(*fault)
        monkeypatch.setattr("tests.link.launching.launcher_text", lambda wrong=wrong: wrong)
        said = node.run(_with(node, who="eve"), before=IGNORED)
        assert bool(said.started) is starts, (faults, said)


def _other_signed(node: Node) -> bytes:
    """Ask for one engine with what was signed for another of the same size."""
    other = RuntimeArchive("sha256:" + hashlib.sha256(b"x").hexdigest(), ENGINE.tar)
    assert node.run(node.request(ENGINE)).started
    folder = node.places.runtimes / other.hex
    folder.mkdir()
    (folder / "__main__.py").write_text("print('[1]')")
    data = node.statement(ENGINE)
    return launch.asked(other.hex) + launch.answered(node.name(), data, node.signature(data), b"")
