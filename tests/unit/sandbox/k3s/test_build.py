"""Which k3s the sandbox's nodes run."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.sandbox.k3s import build
from edgectl.wire.errors import InvalidInput


def test_a_given_binary_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """EDGECTL_SANDBOX_K3S forces a binary; nothing is downloaded or built."""
    given = tmp_path / "k3s"
    given.write_text("")
    given.chmod(0o755)
    monkeypatch.setenv("EDGECTL_SANDBOX_K3S", str(given))
    monkeypatch.setattr(build, "official_binary", lambda *_a, **_k: pytest.fail("asked for the release"))
    assert build.k3s_binary() == given


def test_a_given_binary_must_be_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path that is no program is refused at once, by the name of the variable."""
    monkeypatch.setenv("EDGECTL_SANDBOX_K3S", str(tmp_path / "none"))
    with pytest.raises(InvalidInput, match="EDGECTL_SANDBOX_K3S names"):
        build.k3s_binary()


@pytest.mark.parametrize("official", [Path("/cache/k3s-official/k3s"), None])
def test_the_official_release_is_preferred(official: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in serves only where the official release cannot be had."""
    monkeypatch.delenv("EDGECTL_SANDBOX_K3S", raising=False)
    monkeypatch.setattr(build, "official_binary", lambda *_a, **_k: official)
    monkeypatch.setattr(build, "standin_binary", lambda **_k: Path("/cache/k3s-standin/k3s"))
    assert build.k3s_binary() == (Path("/cache/k3s-standin/k3s") if official is None else official)


def test_system_images_bear_the_tags_of_their_release(tmp_path: Path) -> None:
    """An official k3s names its own images; the stand-in's are known."""
    k3s = tmp_path / "k3s"
    assert build.system_tags(k3s) == {"mirrored-coredns-coredns": "1.12.0", "mirrored-pause": "3.6"}
    (tmp_path / "k3s-images.txt").write_text(
        "docker.io/rancher/klipper-helm:v0.9.8\ndocker.io/rancher/mirrored-coredns-coredns:1.14.1\n"
    )
    assert build.system_tags(k3s) == {"mirrored-coredns-coredns": "1.14.1", "mirrored-pause": "3.6"}


def test_the_sources_travel_with_the_package() -> None:
    """Everything the stand-in is built from lies in the package, its modules pinned."""
    for module in (build.STANDIN, build.COREDNS):
        assert (module / "go.mod").is_file()
        assert (module / "go.sum").is_file()
    assert "k8s.io/kubernetes v1.36.3" in (build.STANDIN / "go.mod").read_text()
    assert build.K3S_VERSION.startswith("v1.36.3+")
    assert build.COREDNS_VERSION in (build.STANDIN / "embedded" / "manifests" / "coredns.yaml").read_text()


def test_the_version_before_needs_its_own_modules_and_no_others(tmp_path: Path) -> None:
    """Kubernetes' modules of that patch version; the rest of go.mod is as it is."""
    (tmp_path / "go.mod").write_bytes((build.STANDIN / "go.mod").read_bytes())
    build._of_version(tmp_path, build.K3S_BEFORE)
    pairs = list(
        zip(
            (build.STANDIN / "go.mod").read_text().split("\n"),
            (tmp_path / "go.mod").read_text().split("\n"),
            strict=True,
        )
    )
    changed = [(old, new) for old, new in pairs if old != new]
    assert len(changed) > 20
    assert all("k8s.io/" in old for old, _ in changed)
    assert all(new == old.replace("v1.36.3", "v1.36.2").replace("v0.36.3", "v0.36.2") for old, new in changed)
    assert "36.3" not in "".join(new for _, new in pairs if "k8s.io/" in new)
