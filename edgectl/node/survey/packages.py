"""Packages: is dpkg whole, is apt free, and will it leave the GPU's alone? Pure, but for who holds a lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edgectl.node.host.packages.lock import held_by
from edgectl.node.io.look import Look
from edgectl.node.survey.facts import Facts
from edgectl.wire.finding import OK, STOP, WARN, Finding
from edgectl.wire.survey import Declared

_LOCKS = ("var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock", "var/lib/apt/lists/lock", "var/cache/apt/archives/lock")
_LONGEST = 50  # of a command line


def holders(look: Look) -> dict[str, str]:
    """Return who holds apt's and dpkg's locks: file -> program. The kernel is asked, and nothing is locked."""
    found = {}
    for name in _LOCKS:
        if (pid := held_by(look.places.root / name)) is not None:
            found[f"/{name}"] = _program(look, pid)
    return found


def judge(facts: Facts, declared: Declared, locked: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what there is to say. What a deploy does not need only warns."""
    if not facts.one("dpkg"):
        yield Finding("packages", OK, "there is no dpkg here")
        return
    needs = STOP if declared.packages else WARN
    yield _half(facts, declared)
    if locked:
        path, who = next(iter(locked.items()))
        hint = "wait until it has ended (systemctl list-jobs; unattended-upgrades takes minutes); never delete the lock"
        evidence = tuple(f"{path} is held by {who}" for path, who in locked.items())
        yield Finding("packages-lock", needs, f"{who} is at work on packages and holds {path}", hint, evidence)
    else:
        yield Finding("packages-lock", OK, "apt is free")
    yield from _fence(facts, declared)
    if reboot := facts.one("reboot"):
        named = reboot.removesuffix("needed").strip()
        hint = "reboot it before the deploy: a new kernel without its driver is better found now"
        yield Finding("packages-reboot", WARN, f"a reboot is pending{f', for {named}' if named else ''}", hint)


def _half(facts: Facts, declared: Declared) -> Finding:
    """Say in what dpkg was stopped. A deploy with packages ends that itself, and installs its own anew.

    It does not put back what it has no file of: a package of somebody else's of which dpkg wants all anew.
    """
    about, by_hand = "packages-half", "dpkg --configure -a; then apt-get -f install"
    half = facts.all("half")
    lost = [name for name, state, flag in map(_words, half) if name not in declared.packages and _is_lost(state, flag)]
    if declared.packages and lost:
        hint = f"apt-get install --reinstall {' '.join(lost[:3])}; a deploy has no file of what it does not declare"
        return Finding(about, STOP, f"{_are(lost)} half installed: {_some(lost)}", hint, half)
    ends = "a deploy brings it to its end itself (dpkg --configure -a)" if declared.packages else by_hand
    if half:
        return Finding(
            about, WARN, f"{_are(half)} half installed: {_some([_words(one)[0] for one in half])}", ends, half
        )
    if facts.one("interrupted"):
        return Finding(about, WARN, "dpkg was interrupted in its work", ends)
    return Finding(about, OK, "dpkg is whole")


def _words(line: str) -> tuple[str, str, str]:
    """Return a package's name, its state and dpkg's flag."""
    name, state, flag = (*line.split(), "", "", "")[:3]
    return name, state, flag


def _is_lost(state: str, flag: str) -> bool:
    """Tell whether its files are not all there, so that configuring it is of no use."""
    return state == "half-installed" or "reinst" in flag


def _are(names: Sequence[str]) -> str:
    return f"{len(names)} package{'s are' if len(names) > 1 else ' is'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")  # noqa: PLR2004


def _fence(facts: Facts, declared: Declared) -> Iterator[Finding]:
    """Yield whether an unattended upgrade would replace the driver's library under the running driver."""
    loose = [
        name
        for line in facts.all("gpu-package")
        if (name := line.split()[0]) not in declared.packages and line.split()[-1] != "hold"
    ]
    if facts.one("unattended") != "on" or not loose:
        return
    hint = f"apt-mark hold {' '.join(loose)}; or declare gpu.packages, which a deploy holds"
    some = ", ".join(loose[:3]) + (" ..." if len(loose) > 3 else "")  # noqa: PLR2004
    yield Finding("packages-unattended", WARN, f"unattended upgrades may replace {some} under the running driver", hint)


def _program(look: Look, pid: int) -> str:
    """Return a process as people know it."""
    if pid <= 0:
        return "a process outside of this node"
    folder = look.places.root / f"proc/{pid}"
    words = (look.text(folder / "cmdline") or look.text(folder / "comm") or "a process").replace("\0", " ").split()
    shown = " ".join(words)
    return f"{shown if len(shown) <= _LONGEST else f'{shown[:_LONGEST]}...'} (pid {pid})"
