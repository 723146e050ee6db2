"""`edgectl bundle` through the real entry point: build from folders, a site and an engine; inspect, diff, export."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgectl.control.bundle.layout import Bundle
from tests.archives import layer, saved
from tests.cli.conftest import KEY, Edgectl
from tests.cli.node import StoreNode

VERSION, HELM_VERSION = "v1.36.3+k3s1", "v4.3.1"
APP = "registry.example/shop/app:1"
PAUSE, DNS = "docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.14.0"
INVENTORY = f"""version: 1
bundle: built
defaults:
  k3s: {{version: {VERSION}}}
  helm: {{version: {HELM_VERSION}}}
  releases: {{web: {{chart: ./web, namespace: web}}}}
  images: [busybox:1.36]
stores:
  store-042: {{title: Berlin, nodes: {{node-1: {{address: 10.77.0.11, host_key: {KEY}}}}}}}
  store-043: {{title: Bonn, nodes: {{node-1: {{address: 10.77.0.12, host_key: {KEY}}}}}}}
"""
HELM = f"""#!/bin/sh
echo '{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "p"}}, "spec": {{"containers": [{{"name": "c",'
echo ' "image": "{APP}"}}]}}}}'
"""
BASE = layer({"lib": b"shared" * 1000})
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


class Site:
    """k3s's and Helm's releases on this machine; counts what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                data = site.files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._publish()

    def _publish(self) -> None:
        folder = f"/k3s/{VERSION.replace('+', '%2B')}"
        images = f"{DNS}\n{PAUSE}\n".encode()
        k3s = b"the k3s binary"
        sums = f"{sha(k3s)}  k3s\n{sha(images)}  k3s-images.txt\n"
        self.files |= {f"{folder}/k3s": k3s, f"{folder}/k3s-images.txt": images}
        self.files[f"{folder}/sha256sum-amd64.txt"] = sums.encode()
        for arch in {ARCH, "amd64"}:
            archive, name = helm_archive(arch), f"helm-{HELM_VERSION}-linux-{arch}.tar.gz"
            self.files[f"/helm/{name}"] = archive
            self.files[f"/helm/{name}.sha256sum"] = f"{sha(archive)}  {name}\n".encode()

    def words(self) -> tuple[str, ...]:
        """Return the options that name it."""
        return ("--k3s-releases", f"{self.url}/k3s", "--helm-releases", f"{self.url}/helm")

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def helm_archive(arch: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo(f"linux-{arch}/helm")
        entry.size = len(HELM)
        tar.addfile(entry, io.BytesIO(HELM.encode()))
    return buffer.getvalue()


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    yield found
    found.close()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inventory of two stores with a chart; beside it a folder with image archives. No Docker."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "docker" else f"/usr/bin/{name}")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (tmp_path / "files").mkdir()
    names = (APP, PAUSE, DNS, "busybox:1.36")
    saved(tmp_path / "files" / "images.tar", {name: [BASE, layer({name: b"x"})] for name in names})
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    monkeypatch.setenv("EDGECTL_INVENTORY", str(path))
    return path


@pytest.fixture
def build(shop: Path, site: Site, edgectl: Edgectl) -> Callable[..., object]:
    def command(*words: str) -> object:
        return edgectl("bundle", "build", "--from", str(shop.with_name("files")), *site.words(), *words)

    return command


def test_a_bundle_is_built_and_the_stores_render_from_it(
    shop: Path, site: Site, edgectl: Edgectl, tmp_path: Path
) -> None:
    """All that two stores need; the second time nothing is fetched; made elsewhere, the index is the same."""
    words = ("bundle", "build", "--from", str(tmp_path / "files"), *site.words())
    said = edgectl(*words)
    assert said.code == 0, said.err
    assert said.out.startswith(f"{tmp_path / 'built'} has all that 2 stores need: ")
    assert edgectl("bundle", "verify", str(tmp_path / "built")).code == 0
    assert edgectl("render", "store-042").code == 0
    asked = len(site.asked)
    again = edgectl(*words, "-o", "json").document
    assert (again["fetched"], len(site.asked)) == ({}, asked)
    elsewhere = edgectl(*words, "--to", str(tmp_path / "elsewhere"), "-o", "json").document
    assert elsewhere["index"] == again["index"]
    assert {one["name"] for one in elsewhere["artifacts"] if one["kind"] == "image"} == {
        "busybox",
        "rancher/mirrored-coredns-coredns",
        "rancher/mirrored-pause",
        "registry.example/shop/app",
    }
    assert all(one["source"] for one in elsewhere["artifacts"] if one["kind"] in ("image", "helm"))
    made = json.loads((tmp_path / "built" / "provenance.json").read_text())
    assert made["by"].count("@") == 1
    assert shop.exists()


def test_another_bundle_is_enough(build: Callable[..., object], shop: Path, edgectl: Edgectl, tmp_path: Path) -> None:
    """Without network, files or Docker; the copy has the same index but for nothing."""
    build()
    shutil.rmtree(tmp_path / "files")
    said = edgectl("bundle", "build", "--from", str(tmp_path / "built"), "--to", str(tmp_path / "copy"), "-o", "json")
    assert said.document["index"] == Bundle.open(tmp_path / "built").digest
    assert shop.exists()


def test_a_damaged_blob_is_fetched_again(build: Callable[..., object], edgectl: Edgectl, tmp_path: Path) -> None:
    """Never believed for its name. Seeded fault: compare sizes only."""
    build()
    bundle = Bundle.open(tmp_path / "built")
    path = bundle.path(bundle.all("k3s")[0].digest)
    path.write_bytes(path.read_bytes()[::-1])
    assert edgectl("bundle", "verify", str(tmp_path / "built")).code == 3
    build()
    assert edgectl("bundle", "verify", str(tmp_path / "built")).code == 0


def test_all_that_is_missing_is_told_at_once(shop: Path, site: Site, edgectl: Edgectl) -> None:
    """Exit 3, each with file and line, and what was tried."""
    del site.files[f"/k3s/{VERSION.replace('+', '%2B')}/sha256sum-amd64.txt"]
    del site.files[f"/helm/helm-{HELM_VERSION}-linux-{ARCH}.tar.gz"]
    said = edgectl("bundle", "build", *site.words())
    assert said.code == 3
    assert f"{shop}:4:" in said.err
    assert f"k3s {VERSION} (amd64) cannot be had: " in said.err
    assert "does not exist (404): is that version right?" in said.err
    assert f"{shop}:5:" in said.err
    assert f"{shop}:7:" in said.err
    assert "image docker.io/library/busybox:1.36 (amd64) cannot be had: there is no docker on this machine" in said.err
    assert "which rancher/mirrored-pause k3s" in said.err
    assert "What was fetched stays" in said.err
    assert "Traceback" not in said.err


def test_wrong_bytes_are_not_taken(shop: Path, site: Site, edgectl: Edgectl) -> None:
    """What has another sha256 than was published is missing, whatever it is."""
    site.files[f"/k3s/{VERSION.replace('+', '%2B')}/k3s"] = b"something else"
    said = edgectl("bundle", "build", "--from", str(shop.with_name("files")), *site.words())
    assert said.code == 3
    assert "than was published with it" in said.err
    assert Bundle.open(shop.with_name("built")).find(kind="k3s", name="k3s") is None


def test_a_site_that_does_not_answer_is_exit_4(shop: Path, edgectl: Edgectl) -> None:
    """With what to do."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        words = ("--k3s-releases", url, "--helm-releases", url, "--from", str(shop.with_name("files")))
        said = edgectl("bundle", "build", *words)
    assert said.code == 4
    assert "cannot be reached" in said.err
    assert "--from" in said.err


def test_http_from_elsewhere_is_refused(shop: Path, edgectl: Edgectl) -> None:
    """Checksum and file from the same open line prove nothing."""
    said = edgectl("bundle", "build", "--k3s-releases", "http://mirror.example/k3s")
    assert (said.code, shop.exists()) == (2, True)
    assert "no https address" in said.err


@pytest.mark.parametrize(
    ("says", "code", "sentence"),
    [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", 4, "Start Docker here"),
        ('Error response from daemon: Get "https://r/v2/": dial tcp: lookup r: no such host', 4, "Look at the network"),
        ('Error response from daemon: Get "https://r/v2/": net/http: TLS handshake timeout', 4, "Look at the network"),
        ("Error response from daemon: pull access denied for x", 4, "docker login registry.example"),
        ("Error response from daemon: unauthorized: authentication required", 4, "docker login registry.example"),
        ("Error response from daemon: manifest for x not found: manifest unknown", 3, "manifest unknown"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", 3, "no matching manifest"),
    ],
)
def test_what_docker_says_is_understood(
    says: str,
    code: int,
    sentence: str,
    shop: Path,
    site: Site,
    edgectl: Edgectl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Words of Docker 20 to 28: not reached and not let in are exit 4, not there is exit 3."""
    archive = tmp_path / "files" / "images.tar"
    archive.unlink()
    saved(archive, {name: [BASE] for name in (PAUSE, DNS, "busybox:1.36")})
    script = tmp_path / "bin" / "docker"
    script.parent.mkdir()
    quoted = says.replace("'", "")
    unknown = "echo 'Error: No such image: x' >&2"
    script.write_text(f"#!/bin/sh\ncase \"$*\" in *inspect*) {unknown} ;; *) echo '{quoted}' >&2 ;; esac\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    words = ("--from", str(tmp_path / "files"), *site.words(), "-i", str(shop))
    said = edgectl("bundle", "build", *words)
    assert said.code == code, said.err
    assert sentence in said.err
    assert f"{shop}:6:" in said.err
    assert f"image {APP} (amd64) cannot be had" in said.err


def test_inspect_counts_what_is_shared(build: Callable[..., object], edgectl: Edgectl, tmp_path: Path) -> None:
    build()
    said = edgectl("bundle", "inspect", str(tmp_path / "built"))
    assert said.code == 0
    assert said.out.splitlines()[0].split() == ["kind", "name", "version", "arch", "size", "digest"]
    assert "1 layer in more than one image: " in said.out
    document = edgectl("bundle", "inspect", str(tmp_path / "built"), "-o", "json").document
    assert document["shared"] == {"layers": 1, "size": 3 * len(BASE)}


def test_diff_against_another_bundle(build: Callable[..., object], edgectl: Edgectl, tmp_path: Path) -> None:
    """An image of a new tag: its archive is new, the layer that the older one has is not."""
    build()
    shutil.copytree(tmp_path / "built", tmp_path / "old")
    bundle = Bundle.open(tmp_path / "built")
    saved(tmp_path / "new.tar", {"registry.example/shop/app:2": [BASE, layer({"two": b"2"})]})
    refs = ("registry.example/shop/app:2",)
    bundle.add(tmp_path / "new.tar", kind="image", name="registry.example/shop/app", version="2", refs=refs)
    found = edgectl("bundle", "diff", str(tmp_path / "built"), str(tmp_path / "old"), "-o", "json").document
    (new,) = found["new"]
    assert (new["version"], new["before"], found["gone"]) == ("2", "1", [])
    assert new["fresh"] == found["fresh"] == new["size"] - len(BASE)
    said = edgectl("bundle", "diff", str(tmp_path / "built"), str(tmp_path / "old"))
    assert "changed  image  registry.example/shop/app  1 -> 2" in said.out
    same = edgectl("bundle", "diff", str(tmp_path / "old"), str(tmp_path / "old"))
    assert same.out.startswith("nothing is new against ")


@pytest.mark.parametrize("words", [(), ("other", "--store", "store-042")])
def test_diff_takes_one_other_side(words: tuple[str, ...], inventory: Path, edgectl: Edgectl) -> None:
    said = edgectl("bundle", "diff", str(inventory.with_name("bundle")), *words)
    assert said.code == 2
    assert "one of OTHER and --store is needed" in said.err


def test_diff_against_a_store(inventory: Path, node: StoreNode, edgectl: Edgectl) -> None:
    """The node itself says what it lacks: all at first, nothing once it was deployed."""
    words = ("bundle", "diff", str(inventory.with_name("bundle")), "--store", "store-042", "-o", "json")
    assert len(edgectl(*words).document["new"]) == 3
    assert edgectl("deploy", "store-042").code == 0
    assert edgectl(*words).document["new"] == []
    assert node.sessions


def test_export_takes_what_stores_need_and_no_more(
    build: Callable[..., object], edgectl: Edgectl, tmp_path: Path
) -> None:
    """Whole, with payloads; again, nothing is copied; what is needed no more goes."""
    build()
    Bundle.open(tmp_path / "built").add(b"old", kind="k3s", name="k3s", version="v1.0.0")
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "holiday.jpg").write_bytes(b"mine")
    said = edgectl("bundle", "export", "*", "--to", str(stick), "-o", "json")
    assert said.code == 0, said.err
    kinds = [one["kind"] for one in said.document["artifacts"]]
    assert (kinds.count("payload"), kinds.count("image"), kinds.count("chart")) == (2, 4, 1)
    assert "v1.0.0" not in {one["version"] for one in said.document["artifacts"]}
    blobs = {path.name: path.stat().st_mtime_ns for path in (stick / "blobs" / "sha256").iterdir()}
    fewer = edgectl("bundle", "export", "store-043", "--to", str(stick), "-o", "json")
    assert [one["name"] for one in fewer.document["artifacts"] if one["kind"] == "payload"] == ["store-043"]
    left = {path.name: path.stat().st_mtime_ns for path in (stick / "blobs" / "sha256").iterdir()}
    assert left.items() < blobs.items()
    assert (stick / "holiday.jpg").read_bytes() == b"mine"


def test_export_never_touches_another_bundle(build: Callable[..., object], edgectl: Edgectl, tmp_path: Path) -> None:
    """Neither its own source nor one that somebody has built."""
    build()
    other = Bundle.create(tmp_path / "other")
    other.add(b"x", kind="k3s", name="k3s", version="v1")
    for to in ("built", "other"):
        said = edgectl("bundle", "export", "store-042", "--to", str(tmp_path / to))
        assert said.code == 3
    assert other.all()
    assert edgectl("bundle", "verify", str(tmp_path / "built")).code == 0


def test_components_are_listed_and_the_same_each_time(
    build: Callable[..., object], edgectl: Edgectl, tmp_path: Path
) -> None:
    """CycloneDX: every artifact with its digest; the same bundle gives the same bytes."""
    build()
    said = edgectl("bundle", "components", str(tmp_path / "built"))
    assert said.out == edgectl("bundle", "components", str(tmp_path / "built")).out
    document = json.loads(said.out)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    artifacts = Bundle.open(tmp_path / "built").all()
    listed = {one["hashes"][0]["content"] for one in document["components"]}
    assert listed == {one.digest.removeprefix("sha256:") for one in artifacts}
    urls = {one.get("purl", "") for one in document["components"]}
    assert "pkg:github/k3s-io/k3s@v1.36.3%2Bk3s1" in urls
    assert "pkg:helm/web@1.0.0" in urls
    assert "pkg:oci/app?arch=amd64&repository_url=registry.example/shop/app&tag=1" in urls


def test_a_folder_that_cannot_be_filled(shop: Path, edgectl: Edgectl) -> None:
    """Exit 3 and a sentence."""
    said = edgectl("bundle", "build", "--to", str(shop))
    assert said.code == 3
    assert f"{shop} cannot be filled: " in said.err
