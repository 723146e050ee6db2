"""A signature under an offer, say: `ssh-keygen -Y sign`, by a key file or by the agent that holds it.

Owns: the one call, its deadline, and what a person does when it fails. Must not know what is signed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from edgectl.wire.errors import EdgectlError, InvalidInput, NotReady, UsageError
from edgectl.wire.offer import NAMESPACE
from edgectl.wire.sshsig import BEGIN

LIMIT_SECONDS = 120.0  # a passphrase is typed, a security key touched
_GRACE_SECONDS = 2.0
_MAKE = "edgectl keys init makes one; --key PATH names another"


def sign(data: bytes, key: Path, *, namespace: str = NAMESPACE, limit_seconds: float = LIMIT_SECONDS) -> bytes:
    """Return the armored signature of these bytes.

    `key` is a private key, or the .pub of one that the SSH agent holds. Raises EdgectlError.
    """
    if not key.is_file():
        raise InvalidInput(f"there is no signing key {key}", hint=_MAKE)
    asks = sys.stdin.isatty()
    argv = ["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(key)]
    env = {**os.environ, "LC_ALL": "C"} | ({} if asks else {"SSH_ASKPASS_REQUIRE": "never"})
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            start_new_session=not asks,  # without a terminal of its own it does not ask for a passphrase
        )
    except OSError as error:
        why = "is not installed" if isinstance(error, FileNotFoundError) else f"cannot be run: {error.strerror}"
        raise NotReady(f"ssh-keygen {why}: nothing can be signed here", hint="install openssh-client") from error
    try:
        out, err = child.communicate(data, timeout=limit_seconds)
    except BaseException as error:
        _end(child)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        raise NotReady(
            f"ssh-keygen did not sign with {key} within {limit_seconds:.0f} s",
            hint="does the agent, or a security key, wait for you? then run the same command again",
        ) from None
    if child.returncode == 0 and out.startswith(BEGIN):
        return out
    raise _failed(key, err.decode("utf-8", "replace"), asks=asks)


def _failed(key: Path, said: str, *, asks: bool) -> EdgectlError:
    details = tuple(f"ssh-keygen: {line}" for line in said.splitlines() if line.strip())[-10:]
    if "passphrase" in said:
        if asks:
            return UsageError(f"that was not the passphrase of {key}", hint="run the same command again")
        hint = f"run `ssh-add {key}` once, or sign where you can type it"
        return InvalidInput(f"{key} needs its passphrase, and there is no terminal to ask at", hint=hint)
    if "UNPROTECTED" in said:
        return InvalidInput(f"others may read {key}, so ssh-keygen does not use it", hint=f"chmod 600 {key}")
    if "No private key found" in said:
        hint = "load its private half into the SSH agent (ssh-add), and see that SSH_AUTH_SOCK is set"
        return InvalidInput(f"neither the SSH agent nor a file has the private half of {key}", hint=hint)
    if "load public key" in said:
        return InvalidInput(f"{key} is no SSH key that can be read", hint=_MAKE, details=details)
    return NotReady(f"ssh-keygen did not sign with {key}", hint="what it said is below", details=details)


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        if os.getpgid(child.pid) == child.pid:
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.communicate(timeout=_GRACE_SECONDS)
