"""An image change on a store with one GPU: inference pauses, about as long as was announced."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgectl.control.bundle.layout import Bundle
from tests.e2e.conftest import Shop
from tests.e2e.operator import Operator
from tests.e2e.stock import copy_bundle

pytestmark = [pytest.mark.e2e, pytest.mark.alone]  # it compares seconds, of which others would take some

_SEEN = "/run/edgectl-gap"
_APART = 1.0  # seconds: each of the two asks every tenth or fifth of one, and may wait for an answer a little
# One client of the store: asks every tenth of a second, and says each time when, and whether it was answered.
_POLL = """
import http.client, sys, time
while True:
    began = time.monotonic()
    try:
        line = http.client.HTTPConnection(sys.argv[1], 8000, timeout=1)
        line.request("GET", "/v2/health/ready")
        said = line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        said = False
    print(began, int(said), flush=True)
    time.sleep(max(0.1 - (time.monotonic() - began), 0))
"""


# A service that loads for some seconds, as real ones do: Kubernetes' own second more or less is little beside it.
_LOADS = "import os, time; time.sleep(6); os.execvp('python3', ['python3', '-m', 'edgectl.stack.inference'])"


@dataclass(frozen=True, slots=True)
class Change:
    """What was announced, what the engine has measured, and what a client has seen. Seconds."""

    announced: float
    by_node: bool
    measured: float
    seen: float


def _image(shop: Shop) -> str:
    pod: dict[str, Any] = shop.node.inference()["spec"]["template"]["spec"]
    return str(pod["containers"][0]["image"])


def _another(bundle: Path, image: str, folder: Path, number: int) -> str:
    """Add the image under another name to the bundle: for a node it is another image, whose pods start as fast."""
    opened = Bundle.open(bundle)
    (found,) = [one for one in opened.all("image") if any(image in ref for ref in one.refs)]
    name, made = f"{image.rpartition(':')[0]}:gap-{number}", folder / f"gap-{number}.tar"
    with tarfile.open(opened.path(found.digest)) as old, tarfile.open(made, "w") as new:
        for member in old:
            data = old.extractfile(member)
            content = data.read() if data is not None else b""
            if member.name == "manifest.json":
                manifest = [{**one, "RepoTags": [name]} for one in json.loads(content)]
                content = json.dumps(manifest).encode()
                member.size = len(content)
            new.addfile(member, io.BytesIO(content) if data is not None else None)
    opened.add(made, kind="image", name=f"gap-{number}", version=str(number), refs=(name,))
    return name


def _with_image(shop: Shop, bundle: Path, image: str) -> Operator:
    def change(doc: dict[str, Any]) -> None:
        doc["bundle"] = str(bundle)
        asked = doc["defaults"]["releases"]["vision-stack"]["values"]["inference"]
        asked.update(image=image, command=["python3", "-c", _LOADS])

    return shop.operator.with_(change=change)


def _changed(shop: Shop, operator: Operator) -> Change:
    """Deploy, with a client that asks all the time; return how long inference paused by each account."""
    address = shop.node.address("inference")
    shop.node.run("sh", "-c", f"cat > {_SEEN}.py", stdin=_POLL)
    unit = "systemd-run --quiet --collect --unit=edgectl-gap"
    shop.node.sh(f"{unit} -p StandardOutput=truncate:{_SEEN} $(command -v python3) {_SEEN}.py {address}")
    try:
        document = operator.deploy()
        shop.node.wait("an answer after all", lambda: shop.node.answers() == "")
    finally:
        shop.node.sh("systemctl stop edgectl-gap")
    lines = [line.split() for line in shop.node.sh(f"cat {_SEEN}").splitlines()]
    (pause,) = document["pauses"]
    measured = document["verdict"]["gaps"][pause["workload"]]
    return Change(pause["seconds"], pause["measured"], measured, _longest([(float(at), ok == "1") for at, ok in lines]))


def _longest(asked: list[tuple[float, bool]]) -> float:
    """Return the longest time between two answers, where there was a question without one in between."""
    longest, last, failed = 0.0, asked[0][0], False
    for at, answered in asked:
        if answered:
            longest = max(longest, at - last) if failed else longest
            last, failed = at, False
        else:
            failed = True
    assert asked, "nobody asked"
    assert not failed, "no answer at the end"
    return longest


def test_a_pause_is_about_as_long_as_was_announced(settled: Shop, tmp_path: Path) -> None:
    """Law: within half of it, from the second change on; the first is announced by a guess that says that it is one."""
    image, bundle = _image(settled), copy_bundle(settled.sandbox, "gap")
    settled.node.sh("find /var/lib/edgectl -name gaps.json -delete")  # what other tests' changes have taken
    first, second = (_another(bundle, image, tmp_path, number) for number in (1, 2))
    guessed = _changed(settled, _with_image(settled, bundle, first))
    assert (guessed.by_node, guessed.announced) == (False, 30.0)
    known = _changed(settled, _with_image(settled, bundle, second))
    print(guessed, known, sep="\n")  # noqa: T201
    assert known.by_node
    assert known.announced == guessed.measured
    assert all(abs(one.measured - one.seen) < _APART for one in (guessed, known)), "it is what a client sees"
    assert abs(known.measured - known.announced) <= known.announced / 2, known
    assert abs(known.seen - known.announced) <= known.announced / 2, known
    again = _with_image(settled, bundle, second).deploy()
    assert (again["changed"], again["pauses"]) == ([], [])
    assert "release-vision-stack" in settled.operator.deploy()["changed"], "as it was, for the other tests"
