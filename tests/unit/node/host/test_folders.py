"""Folders that pods own: made and given away, on no way that somebody else could bend."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgectl.node.converge.protocol import ApplyFailed, Observation, Status
from edgectl.node.host.folders import Folders
from edgectl.node.io.look import Hands
from edgectl.node.io.places import Places
from edgectl.wire.folder import refused_folder
from edgectl.wire.payload import ManagedFolder

ME = os.getuid() or 65532  # root may give a folder away, others only to themselves
QUEUE = "/var/lib/edgectl-vision/uplink"


def step(*folders: ManagedFolder) -> Folders:
    return Folders(folders or (ManagedFolder(QUEUE, ME),))


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    (tmp_path / "var/lib").mkdir(parents=True)
    return Hands(Places(tmp_path))


def test_a_folder_is_made_given_away_and_left_alone(hands: Hands) -> None:
    """Law: with the folders on the way; what lies in it is nobody's matter; afterwards there is nothing to do."""
    seen = step().probe(hands)
    assert (seen.status, seen.differences) == (Status.DRIFTED, ((QUEUE, "missing", f"user {ME}, 0700"),))
    step().apply(hands, seen)
    place = hands.places.root / QUEUE.lstrip("/")
    (place / "uplink.db").write_text("1")
    assert (place.stat().st_uid, place.stat().st_gid, stat.S_IMODE(place.stat().st_mode)) == (ME, ME, 0o700)
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o755
    assert step().probe(hands).status is Status.CURRENT
    place.chmod(0o755)
    seen = step().probe(hands)
    assert seen.differences == ((QUEUE, f"user {ME}, 0755", f"user {ME}, 0700"),)
    step().apply(hands, seen)
    assert step().probe(hands).status is Status.CURRENT
    assert (place / "uplink.db").read_text() == "1"


def _linked(root: Path) -> None:
    (root / "elsewhere").mkdir()
    (root / "var/lib/edgectl-vision").symlink_to(root / "elsewhere")


def _last_linked(root: Path) -> None:
    (root / "var/lib/edgectl-vision").mkdir()
    (root / "var/lib/edgectl-vision/uplink").symlink_to("/etc")


def _file(root: Path) -> None:
    (root / "var/lib/edgectl-vision").write_text("")


def _open_to_all(root: Path) -> None:
    (root / "var/lib/edgectl-vision").mkdir()
    (root / "var/lib/edgectl-vision").chmod(0o777)


@pytest.mark.parametrize(
    ("seed", "part"),
    [
        (_linked, "/var/lib/edgectl-vision is a link, which is not followed"),
        (_last_linked, f"{QUEUE} is a link, which is not followed"),
        (_file, "/var/lib/edgectl-vision is no folder"),
        (_open_to_all, "can be written to by others than root: chown root:root /var/lib/edgectl-vision"),
    ],
)
def test_what_stands_in_the_way_is_named_and_never_followed(hands: Hands, seed: object, part: str) -> None:
    """Law: never, with the place to look at. Seeded: a link on the way, one at its end, a file, a folder of anybody."""
    seed(hands.places.root)  # type: ignore[operator]
    seen = step().probe(hands)
    assert (seen.status, part in seen.reason) == (Status.FAILED, True)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has files of the system's users")
def test_what_is_the_systems_is_given_to_no_pod(hands: Hands) -> None:
    """Law: a folder with files of root's is refused; an empty one, as a kill leaves it, or another pod's is not."""
    place = hands.places.root / QUEUE.lstrip("/")
    place.mkdir(parents=True)
    assert step().probe(hands).status is Status.DRIFTED
    (place / "status").write_text("1")
    seen = step().probe(hands)
    assert (seen.status, "holds what is user 0's" in seen.reason) == (Status.FAILED, True)
    os.chown(place, 1000, 1000)
    assert step().probe(hands).status is Status.DRIFTED


def test_a_link_that_comes_between_look_and_hand_gives_nothing_away(hands: Hands) -> None:
    """Law: the hand goes down from folder to folder, too. Seeded: the link is there only when it is applied."""
    seen = step().probe(hands)
    target = hands.places.root / "elsewhere"
    target.mkdir(mode=0o755)
    (hands.places.root / "var/lib/edgectl-vision").symlink_to(target)
    with pytest.raises(ApplyFailed, match=f"{QUEUE} could not be made: "):
        step().apply(hands, seen)
    assert list(target.iterdir()) == []


def test_a_kill_at_half_is_finished_by_the_next(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: made, and not given away yet: drifted, and then current."""
    seen = step().probe(hands)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fchown", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(ApplyFailed):
            step().apply(hands, seen)
    seen = step().probe(hands)
    assert seen.status is Status.DRIFTED
    step().apply(hands, seen)
    assert step().probe(hands).status is Status.CURRENT


@pytest.mark.parametrize(
    ("path", "owner", "part"),
    [
        ("/etc/x", 1, "lies outside of /var/lib, /srv, /mnt"),
        ("/var/lib", 1, "lies outside"),
        ("/var/lib/../etc", 1, "is no plain path"),
        ("/srv//x", 1, "is no plain path"),
        ("srv/x", 1, "is no plain path"),
        ("/var/lib/edgectl", 1, "lies in /var/lib/edgectl, which"),
        ("/var/lib/rancher/k3s", 1, "lies in /var/lib/rancher, which"),
        ("/srv/x", 0, "user 0"),
        ("/srv/x", -1, "user -1"),
    ],
)
def test_folders_of_others_are_given_to_nobody(hands: Hands, path: str, owner: int, part: str) -> None:
    """Law: whoever declared it, the node refuses. /var/lib/edgectl-vision is another folder than /var/lib/edgectl."""
    assert part in refused_folder(path, owner)
    seen: Observation = step(ManagedFolder(path, owner)).probe(hands)
    assert seen.status is Status.FAILED
    assert refused_folder(QUEUE, ME) == ""
