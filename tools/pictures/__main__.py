"""Take the pictures of docs/pictures from real stores in the sandbox (root): `nox -s pictures`.

    python -m tools.pictures [--prefix NAME]

Names of the sandbox's stores begin with NAME (`picture`), so that nobody's own are touched; in what is shown they are
store-042, and store-001 to store-010. All of them are taken down at the end. Nothing is written before all is there.
"""

from __future__ import annotations

import argparse
import getpass
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from edgectl.sandbox.bundle import make_bundle
from edgectl.sandbox.fleet import bring_up, names
from edgectl.sandbox.gpu.knobs import Knobs
from edgectl.sandbox.inventory import write_inventory
from edgectl.sandbox.machine.sandbox import Sandbox
from edgectl.sandbox.requirements import require
from tests.browser import browser
from tools.pictures import shots
from tools.pictures.draw import draw
from tools.pictures.record import Cast, record
from tools.pictures.screen import rows
from tools.pictures.shots import Recording

_ROOT = Path(__file__).resolve().parents[2]
_LOGIN = "anna"  # who has asked, in what is shown
_HEIGHT = 900
_TEN = 10
_KUBECTL = ("k3s", "kubectl", "-n", "vision")


class Desk:
    """A folder with an inventory, in which somebody types; and what has been taken so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: dict[str, bytes] = {}
        kept = {name: text for name, text in os.environ.items() if name.startswith(("PATH", "XDG_", "HOME", "LANG"))}
        own = {"LOGNAME": _LOGIN, "USER": _LOGIN, "TERM": "xterm-256color", "PYTHONPATH": str(_ROOT)}
        own["XDG_STATE_HOME"] = str(folder / "state")  # what was asked here is nobody's record
        self._env = {**kept, **own, "EDGECTL_ANNOTATIONS": "none"}

    def inventory(self, doc: dict[str, Any]) -> None:
        """Write it where edgectl looks for it."""
        (self.folder / "stores").mkdir(exist_ok=True)
        (self.folder / "stores/inventory.yaml").write_text(yaml.safe_dump(doc, sort_keys=False))

    def record(self, recording: Recording) -> None:
        """Take a recording and its drawing."""
        print(f"recording {recording.name} ...", flush=True)
        cast = self.run(recording)
        drawn = draw(recording.name, recording.title, rows(cast.events, shots.COLUMNS), moves=recording.moves)
        self._take(f"{recording.name}.cast", cast.text().encode())
        self._take(f"{recording.name}.svg", drawn.encode())

    def run(self, recording: Recording) -> Cast:
        """Type it."""
        return record(recording, folder=self.folder, env=self._env)

    def screenshots(self) -> None:
        """Open the pages that were written here, in a browser."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
            for shot in shots.SCREENSHOTS:
                self._betrays(shot.page, (self.folder / shot.page).read_text())
                tab.open(self.folder / shot.page, width=shot.width, dark=shot.dark, height=_HEIGHT)
                self._take(f"{shot.name}.png", tab.picture(whole=False))

    def _take(self, name: str, data: bytes) -> None:
        print(f"{name}  {len(data)} bytes", flush=True)
        if len(data) > shots.MOST_BYTES:
            raise SystemExit(f"{name} is too large for a page (most: {shots.MOST_BYTES})")
        if not name.endswith(".png"):
            self._betrays(name, data.decode())
        self.taken[name] = data

    def _betrays(self, name: str, text: str) -> None:
        """End the program where something of this machine can be read."""
        login = getpass.getuser()
        private = {platform.node(), str(_ROOT), str(self.folder), str(Path.home()), "" if login == "root" else login}
        for word in filter(None, {*private, os.environ.get("XDG_STATE_HOME", "")}):
            if re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text):
                raise SystemExit(f"{name} tells {word!r} of this machine")


def main() -> None:
    """Take all of them, then write them."""
    parser = argparse.ArgumentParser(prog="python -m tools.pictures")
    parser.add_argument("--prefix", default="picture", metavar="NAME")
    prefix = parser.parse_args().prefix
    require(print)
    box = Sandbox(say=print)
    with tempfile.TemporaryDirectory(prefix="edgectl-pictures-") as place:
        desk = Desk(Path(place))
        with _down_again(box, prefix):
            _one(desk, box, prefix)
            desk.screenshots()
            _ten(desk, box, prefix)
        _write(desk.taken)


def _one(desk: Desk, box: Sandbox, prefix: str) -> None:
    """One store: from bare to whole, a version that is turned down, a card that is lost."""
    store = box.up(f"{prefix}-042", gpus=1)
    doc = _renamed(write_inventory(store, make_bundle(print)), prefix)
    desk.inventory(doc)
    desk.record(shots.DEMO)
    bad = yaml.safe_load(yaml.safe_dump(doc))
    release = bad["defaults"]["releases"]["vision-stack"]
    release["timeout_seconds"] = 15
    release["values"]["inference"]["env"] = {"PYTHONHOME": "/nowhere"}
    desk.inventory(bad)
    desk.run(Recording("", "", ((f"edgectl deploy store-042 --html {shots.BROKEN_PAGE}", 5),)))
    desk.inventory(doc)
    knobs = Knobs(store)
    knobs.xid(0, 79, "pid=0, GPU has fallen off the bus.")
    knobs.gpus(0)
    desk.record(shots.DOCTOR)
    box.down(store.name)


def _ten(desk: Desk, box: Sandbox, prefix: str) -> None:
    """Ten stores: from bare, then two without a line and one that was changed by hand."""
    path = desk.folder / "ten.yaml"
    stores = bring_up(box, _TEN, prefix=prefix, path=path)
    desk.inventory(_renamed(path, prefix))
    desk.record(shots.TEN)
    for number in (7, 8):
        stores[number - 1].link.cut()
    stores[0].execute("node-1", [*_KUBECTL, "scale", "deployment/sink", "--replicas=0"])
    desk.record(shots.MANY)


def _renamed(path: Path, prefix: str) -> dict[str, Any]:
    doc: dict[str, Any] = yaml.safe_load(path.read_text())
    doc["stores"] = {f"store{name.removeprefix(prefix)}": entry for name, entry in doc["stores"].items()}
    return doc


@contextmanager
def _down_again(box: Sandbox, prefix: str) -> Iterator[None]:
    mine = {f"{prefix}-042", *names(_TEN, prefix)}

    def ours() -> list[str]:
        return [store.name for store in box.stores() if store.name in mine]

    if there := ours():
        raise SystemExit(f"{', '.join(there)} stand already: edgectl sandbox down them, or give another --prefix")
    try:
        yield
    finally:
        for name in ours():
            box.down(name)


def _write(taken: dict[str, bytes]) -> None:
    wanted = set(shots.files())
    if set(taken) != wanted:
        raise SystemExit(f"not taken: {', '.join(sorted(wanted - set(taken)))}")
    shots.PICTURES.mkdir(exist_ok=True)
    for old in shots.PICTURES.iterdir():
        if old.name not in wanted:
            old.unlink()
    for name, data in taken.items():
        (shots.PICTURES / name).write_bytes(data)


if __name__ == "__main__":
    main()
