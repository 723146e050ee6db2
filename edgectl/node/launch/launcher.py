#!/usr/bin/python3 -IS
"""Become the engine that an operator asks for, as root and for an account that is not: /usr/local/sbin/edgectl-launch.

The only program that a deploy user's sudo rule allows. One file, standard library only: it stands before any engine
does. It runs an engine that this node has accepted, or that a key of its trust has signed (docs/users.md); nothing is
unpacked before. All that comes in is hostile: standard input, environment, limits, signals. Judges as trust/judge.py.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import lzma
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from calendar import timegm
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

NAMESPACE = "edgectl-engine"  # of the signature: what was signed as an offer, or for git, starts nothing
MOST_WORDS = 64 * 1024  # of a statement or a signature
MOST_ENGINE = 32 << 20
MEMORY_BYTES = 64 << 20  # for unpacking it: what asks for more is none of ours
LATEST = 253402300799  # the end of the year 9999
SILENCE_SECONDS, VERIFY_SECONDS = 120.0, 20.0
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}
AS_ROOT = "deploy once as root (ssh.user: root), which needs no signature and brings the trust"
MATCHING = "use the same edgectl everywhere"
UNPACKER = "edgectl/node/bootstrap.py"  # of the engine itself: its `install(tar, folder)`


class Refused(Exception):
    """Why nothing is started, and what to do."""

    def __init__(self, message: str, hint: str = AS_ROOT) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def main(root: Path = Path("/")) -> NoReturn:
    """Find out who asks, take one request, become its engine."""
    account = settled()
    try:
        folder = admitted(root / "var/lib/edgectl", root / "run/edgectl", time.time())
    except Refused as why:
        end("refused", {"error": "Refused", "exit": 11, "message": why.message, "hint": why.hint}, 11)
    except OSError as error:
        said = {"errno": error.errno, "message": error.strerror or str(error), "path": str(error.filename or root)}
        end("failed", said, 73)
    say("run")
    os.execv(sys.executable, [sys.executable, "-I", str(folder), "session", "--signed", account])  # noqa: S606


def settled() -> str:
    """Take nothing over from whoever calls but the name that sudo gives him."""
    account = os.environ.get("SUDO_USER", "")
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    for one in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):  # where SIGCHLD is ignored, every child counts as a good one
            signal.signal(one, signal.SIG_IGN if one in {signal.SIGPIPE, signal.SIGXFSZ} else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened is taken for it
            os.open(os.devnull, os.O_RDWR)
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_DATA):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.umask(0o022)
    os.chdir("/")
    return account if re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", account) else "unknown"


def admitted(state: Path, run: Path, now: float) -> Path:
    """Return the folder of the engine that is asked for, once it may run. Raises Refused, OSError."""
    if len(sys.argv) > 1:
        raise Refused("edgectl-launch takes no arguments", "edgectl starts it, over SSH")
    trust = trust_of(state / "trust/trust.json")
    asked = re.fullmatch(r"edgectl-launch 1 ([0-9a-f]{64})\n", line())
    if asked is None:
        raise Refused("this is no request that edgectl-launch knows", MATCHING)
    digest, folder = f"sha256:{asked[1]}", state / "runtimes" / asked[1]
    here = (folder / "__main__.py").is_file()
    accepted = [found for name in ("current", "candidate") if (found := read(state / "slots" / name / "envelope.json"))]
    if here and any(found.get("runtime") == digest for found in accepted):
        return folder
    say("sign", "here" if here else "absent")
    head = re.fullmatch(r"(SHA256:[A-Za-z0-9+/]{43}) ([0-9]{1,6}) ([0-9]{1,6}) ([0-9]{1,9})\n", line())
    if head is None:
        raise Refused("no signature has come for this engine", MATCHING)
    words, signed, packed = (int(number) for number in head.groups()[1:])
    if max(words, signed) > MOST_WORDS or packed > MOST_ENGINE:
        raise Refused("what has come for this engine is too large; it was not read", MATCHING)
    statement, signature = received(words), received(signed)
    signer = signer_of(trust, head[1])
    verify(run, signer, statement, signature)
    store = next((str(found.get("store")) for found in accepted), "")
    late = max(now, heard_of(read(state / "trust/heard.json"), trust), trust["created"])
    size = judged(statement, signer, trust, store=store, digest=digest, now=now, late=late)
    if not here:
        install(inflated(received(packed), size, digest), folder)
    return folder


def trust_of(path: Path) -> dict[str, Any]:
    """Return the trust that this node keeps, whole; Refused where there is none."""
    try:
        doc = json.loads(path.read_bytes())
        trust: dict[str, Any] = doc["trust"]
        whole = doc["digest"] == sha256(canonical(trust)) and set(doc) == {"digest", "trust"}
    except FileNotFoundError:
        hint = "name keys in the inventory (trust:), and deploy once as root (ssh.user: root)"
        raise Refused("this node trusts nobody's signature yet", hint) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise Refused(f"{path} is damaged", f"the next self-heal writes it anew (within minutes); else {AS_ROOT}")
    return trust


def canonical(doc: object) -> bytes:
    """Return the bytes of which the trust's digest is (wire/document.py)."""
    text = json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def sha256(data: bytes) -> str:
    """Return the name of these bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read(path: Path) -> dict[str, Any]:
    """Return a document that edgectl keeps here; {} where it is not there, or is none."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        doc = json.loads(path.read_bytes())
        return doc if isinstance(doc, dict) else {}
    return {}


def heard_of(heard: dict[str, Any], trust: dict[str, Any]) -> int:
    """Return the serial of the newest offer that was taken under this trust; 0 for none."""
    serial = heard.get("serial")
    return serial if isinstance(serial, int) and heard.get("trust") == trust["version"] else 0


def signer_of(trust: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the key of the trust that has this name; Refused when it is nobody's, or revoked."""
    if name in trust["revoked"]:
        raise Refused(
            f"the key that signed this engine is revoked ({name})", "sign with another one: edgectl keys list"
        )
    for signer in trust["signers"]:
        with contextlib.suppress(ValueError, IndexError):
            blob = base64.b64decode(signer["key"].split()[1], validate=True)
            if "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") == name:
                return dict(signer)
    raise Refused(f"this node does not know the key that signed this engine ({name})", f"edgectl keys list; {AS_ROOT}")


def verify(run: Path, signer: dict[str, Any], statement: bytes, signature: bytes) -> None:
    """Let ssh-keygen say that this key has signed this; Refused for all else."""
    run.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="launch-", dir=run))  # 0700
    try:
        kind, data = signer["key"].split()[:2]
        (folder / "allowed").write_text(f'signer namespaces="{NAMESPACE}" {kind} {data}\n')
        (folder / "signature").write_bytes(signature)
        argv = ["/usr/bin/ssh-keygen", "-Y", "verify", "-f", f"{folder}/allowed", "-I", "signer", "-n", NAMESPACE]
        argv += ["-s", f"{folder}/signature"]
        quiet = {"capture_output": True, "check": False, "env": ENVIRONMENT, "timeout": VERIFY_SECONDS}
        ran = subprocess.run(argv, input=statement, **quiet)  # type: ignore[call-overload] # noqa: PLW1510
    except (FileNotFoundError, subprocess.TimeoutExpired):
        hint = "install openssh-client on the node, or look at what keeps it busy; then run the same command again"
        raise Refused("the signature cannot be checked: ssh-keygen does not run here", hint) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if ran.returncode != 0 or not ran.stdout.startswith(b'Good "%s" signature for signer ' % NAMESPACE.encode()):
        raise Refused(
            f"this engine is not what {signer['who']} has signed: it, or its signature, was changed", MATCHING
        )


def judged(
    statement: bytes, signer: dict[str, Any], trust: dict[str, Any], *, store: str, digest: str, now: float, late: float
) -> int:
    """Return the size of the engine that a well signed statement names; Refused when it does not count here and now.

    `late` is the newest time that this node has word of, whatever its clock says.
    """
    try:
        said = json.loads(statement)
        size, serial, expires, form = said["runtime"]["size"], said["serial"], said["expires"], said["format"]
        whole = form == 1 and all(type(number) is int for number in (size, serial, expires, form))
        whole = whole and 0 < serial <= expires <= LATEST and 0 < size <= MOST_ENGINE
        named, of_store = said["runtime"]["digest"], str(said["store"])
        begins, ends = moment(signer["valid_after"], 0), moment(signer["valid_before"], LATEST)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise Refused("what was signed for this engine cannot be understood here", MATCHING)
    clock = f"this node's clock says {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(now))}"
    again = "are the clocks right, here and there (timedatectl)? then run the same command again"
    if named != digest:
        raise Refused("another engine was signed than the one that is asked for", MATCHING)
    if store and of_store != store:
        raise Refused(
            f"this node belongs to {store}, and the engine was signed for {of_store}", "is the address right?"
        )
    if not any(fnmatchcase(of_store, pattern) for pattern in signer["stores"]):
        raise Refused(f"{signer['who']} may not sign for {of_store}", f"edgectl keys list; {AS_ROOT}")
    if serial < trust["created"]:
        raise Refused("the engine was signed before the trust was made that this node keeps", again)
    if not begins <= serial < ends or late < begins or now >= ends:
        raise Refused(f"the key of {signer['who']} does not count now; {clock}", f"edgectl keys list; {again}")
    if late >= expires:
        raise Refused(f"the signature of this engine has expired; {clock}", again)
    return int(size)


def moment(text: str, without: int) -> int:
    """Return a time of the trust in seconds since 1970; what is not said has no bound."""
    return timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) if text else without


def inflated(data: bytes, size: int, digest: str) -> bytes:
    """Return the archive that was signed for; not a byte more is unpacked."""
    reader = lzma.LZMADecompressor(memlimit=MEMORY_BYTES)
    with contextlib.suppress(lzma.LZMAError, EOFError):
        tar = reader.decompress(data, size + 1)
        if len(tar) == size and sha256(tar) == digest:
            return tar
    raise Refused("the engine has come with other bytes than its digest says", "run the same command again")


def install(tar: bytes, folder: Path) -> None:
    """Let the engine unpack itself: what is about to run as root was signed for, and so is this."""
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
            source = archive.extractfile(UNPACKER)
            own: dict[str, Any] = {"__name__": "bootstrap"}
            exec(compile(source.read() if source else b"", UNPACKER, "exec"), own)  # noqa: S102
        own["install"](tar, folder)
    except (ValueError, KeyError, SyntaxError, tarfile.TarError) as error:
        raise Refused(f"the engine cannot be unpacked: {error!s:.100}", "use a released edgectl") from None


def line() -> str:
    """Read one short line."""
    data = b""
    while not data.endswith(b"\n") and len(data) < 128:  # noqa: PLR2004
        data += received(1)
    return data.decode("ascii", "replace")


def received(count: int) -> bytes:
    """Read exactly so many bytes: what follows belongs to the engine."""
    data = bytearray()
    while len(data) < count:
        ready, _, _ = select.select([0], [], [], SILENCE_SECONDS)
        piece = os.read(0, min(count - len(data), 1 << 16)) if ready else b""
        if not piece:
            raise SystemExit(75)  # the link broke, or nothing is said: nobody is left to tell
        data += piece
    return bytes(data)


def say(*words: str) -> None:
    """Say one line of the handshake."""
    os.write(1, f"\nedgectl-link {' '.join(words)}\n".encode())


def end(word: str, said: dict[str, Any], code: int) -> NoReturn:
    """Say why, in one line, and end."""
    say(word, json.dumps(said))
    raise SystemExit(code)


if __name__ == "__main__":
    main()
