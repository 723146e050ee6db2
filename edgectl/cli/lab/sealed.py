"""Whose key signs an acceptance, and whose counts when one is read.

Owns: that question, asked before a store is touched. Must not know what a report says.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from edgectl.cli.options import Format
from edgectl.control.accept import seal
from edgectl.control.accept.report import Report
from edgectl.control.inventory.store import Store
from edgectl.wire.errors import InvalidInput, NotReady, Refused

_WHOSE = "name a key: --sign-with KEY, or the store's trust in the inventory (edgectl keys init, docs/signing.md)"


def sealing(store: Store, path: Path, key: Path | None) -> Callable[[Report], None]:
    """Return what signs a report and writes it; InvalidInput now where no key is at hand."""
    from edgectl.control.signing.held import signed, signer_for
    from edgectl.control.signing.sign import sign
    from edgectl.control.signing.trustfile import read

    if key is not None:
        if not key.is_file():
            raise InvalidInput(f"there is no signing key {key}", hint=_WHOSE)
        signs: Callable[[bytes], bytes] = lambda data: sign(data, key, namespace=seal.NAMESPACE)  # noqa: E731
    elif store.trust is not None:
        signer, place = signer_for(read(store.trust).trust, store.name, now=time.time())
        signs = lambda data: signed(data, signer, place, seal.NAMESPACE)  # noqa: E731
    else:
        raise InvalidInput(f"{store.name} trusts no key, and a report is signed", hint=_WHOSE)

    def write(report: Report) -> None:
        data = seal.text_of(report)
        signature = signs(data)
        try:
            seal.write(path, report, signature)
        except OSError as error:
            raise NotReady(f"{path} cannot be written: {error.strerror}", hint="name another place") from error
        sys.stderr.write(f"  report    {path}, signed\n")

    return write


def verified(path: Path, store: str, inventory: Path, key: Path | None, output: Format) -> int:
    """Check a report and say what it says. Raises Refused, InvalidInput."""
    from edgectl.cli.result import show
    from edgectl.control.signing.keyfile import public
    from edgectl.report import accepted
    from edgectl.wire.document import to_json

    sealed = seal.read(path)
    if store and store != sealed.report.store:
        raise Refused(f"{path} is of {sealed.report.store}, not of {store}", hint="ask for the report of that store")
    keys = {str(key): public(key)} if key is not None else _trusted(sealed.report, inventory)
    who = seal.check(path, sealed, keys)
    head = f"{path} is as {who} has signed it ({sealed.fingerprint})"
    document = {**to_json(sealed.report), "signer": who, "fingerprint": sealed.fingerprint}
    text = "\n".join((head, *accepted.lines(sealed.report)))
    return show(output, document, text, code=sealed.report.exit)


def _trusted(report: Report, inventory: Path) -> dict[str, str]:
    """Return the keys that could sign for that store when the report was made, by who has them."""
    from edgectl.cli import store as stores
    from edgectl.control.signing.ages import may_sign
    from edgectl.control.signing.trustfile import read

    store = stores.find(report.store, inventory)
    if store.trust is None:
        raise InvalidInput(
            f"{store.name} trusts no key: nothing says whose signature counts",
            hint="--key KEY.pub names the key of whoever signed it",
        )
    trust = read(store.trust).trust
    when = _when(report)
    return {
        one.who: one.key
        for one in trust.signers
        if may_sign(one, store.name) and one.fingerprint not in trust.revoked and one.begins <= when < one.ends
    }


def _when(report: Report) -> float:
    """Return when it ended, by its signer's own word, which nobody has checked yet."""
    try:
        return datetime.strptime(report.ended, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        sentence = f"the report has ended at no time that edgectl writes: {report.ended!r:.60}"
        raise Refused(sentence, hint="do not rely on it: ask whoever gave it to you for the file as written") from error
