"""Offers in a bundle that is carried: offers/STORE.json and its signature, beside the blobs that they name.

Owns: their names, the order in which they are written, and what a whole one is. The new offer is there or the old one,
whenever writing is cut off. Must not know who may sign.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgectl.control.staging import move_synced, staged, sync_folder
from edgectl.wire import sshsig
from edgectl.wire.document import is_digest
from edgectl.wire.offer import MOST_BYTES, NAMESPACE, Offer, Part, decode
from edgectl.wire.payload import Payload
from edgectl.wire.payload import decode as decode_payload

FOLDER = "offers"
_NEXT = ".sig.new"  # a node tries it, too: the moment between the two names is no moment without an offer


@dataclass(frozen=True, slots=True)
class Signed:
    """One offer as it lies in a bundle, and the fingerprint of the key that its signature names."""

    offer: Offer
    key: str


def write_offer(root: Path, store: str, data: bytes, signature: bytes) -> None:
    """Put one offer into a bundle that has all of its blobs already."""
    folder = root / FOLDER
    waits = folder / f"{store}.json{_NEXT}"
    with staged(waits) as stream:
        stream.write(signature)
    with staged(folder / f"{store}.json") as stream:
        stream.write(data)
    move_synced(waits, folder / f"{store}.json.sig")


def drop_others(root: Path, stores: Collection[str]) -> None:
    """Take away all other offers, each before its signature, and what a killed export has left."""
    folder = root / FOLDER
    if not folder.is_dir():
        return
    kept = {f"{store}.json{end}" for store in stores for end in ("", ".sig")}
    for path in sorted(folder.iterdir(), key=lambda path: (not path.name.endswith(".json"), path.name)):
        if path.name not in kept:
            path.unlink()
    sync_folder(folder)
    if not kept:
        folder.rmdir()


def offers(root: Path) -> tuple[Signed, ...]:
    """Return the offers that can be read, by store."""
    found = []
    for path in sorted((root / FOLDER).glob("*.json")):
        try:
            signed = sshsig.read(_small(path.with_name(f"{path.name}.sig")))
            found.append(Signed(decode(_small(path)), sshsig.fingerprint(signed.key)))
        except (OSError, ValueError):
            continue
    return tuple(found)


def offer_findings(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (file, sentence) for all that is wrong with a bundle's offers; whose they are is the node's to judge."""
    folder = root / FOLDER
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        yield FOLDER, "is no folder"
        return
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        where = f"{FOLDER}/{path.name[:80]}"
        if path.is_symlink() or not path.is_file():
            yield where, "is no plain file"
        elif path.name.endswith(_NEXT):
            yield where, "is of an export that was cut off: export again"
        elif path.name.endswith(".json"):
            yield from ((where, sentence) for sentence in _wrong(root, path))
        elif not (path.name.endswith(".json.sig") and path.with_suffix("").is_file()):
            yield where, "belongs to no offer: remove it"


def _wrong(root: Path, path: Path) -> Iterator[str]:
    try:
        offer = decode(_small(path))
    except (OSError, ValueError) as error:
        yield f"cannot be read as an offer: {_plain(error)}"
        return
    if f"{offer.store}.json" != path.name:
        yield f"is for {offer.store}"
    yield from _signature(path.with_name(f"{path.name}.sig"))
    for what, part in (("payload", offer.payload), ("engine", offer.runtime)):
        yield from _missing(root, what, part)
    blob = _blob(root, offer.payload.digest)
    if not blob.is_file():
        return
    try:
        payload: Payload = decode_payload(blob.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        yield f"its payload cannot be read: {_plain(error)}"
        return
    if payload.store != offer.store:
        yield f"its payload is for {_plain(payload.store)}"
    lost = [digest for digest, size in payload.blobs.items() if any(_missing(root, "", Part(digest, size)))]
    if lost:
        yield f"{len(lost)} of {len(payload.blobs)} blobs of its payload are not here: {_plain(lost[0][:19])}, ..."


def _signature(path: Path) -> Iterator[str]:
    try:
        signed = sshsig.read(_small(path))
    except FileNotFoundError:
        yield "has no signature"
    except (OSError, ValueError) as error:
        yield f"has a signature that cannot be read: {_plain(error)}"
    else:
        if signed.namespace != NAMESPACE:
            yield f"has a signature for {signed.namespace!r:.80}, not for an offer"


def _missing(root: Path, what: str, part: Part) -> Iterator[str]:
    blob = _blob(root, part.digest)
    if not is_digest(part.digest) or not blob.is_file():
        yield f"its {what} {part.digest[:19]} is not here"
    elif (size := blob.stat().st_size) != part.size:
        yield f"its {what} {part.digest[:19]} has {size} bytes, not {part.size}"


def _blob(root: Path, digest: str) -> Path:
    return root / "blobs" / "sha256" / digest.removeprefix("sha256:").replace("/", "_")


def _plain(what: object) -> str:
    """Return words of a stick as they may go to a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in f"{what!s:.200}")


def _small(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES} bytes")
    return path.read_bytes()
