"""How Helm is run: here a shell script stands for the binary, so that its answers are known."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from edgectl.control.bundle.chart import Chart
from edgectl.control.bundle.helm import Helm, RenderFailed, Rendering
from edgectl.control.bundle.layout import Bundle
from edgectl.wire.errors import InvalidInput

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rendering:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chart = Chart(name="vision", version="1", digest="sha256:" + "0" * 64, size=1, path=tmp_path / "chart.tgz")
    return Rendering(release="r", namespace="n", chart=chart, values={"a": 1}, kube_version="v1.36.3+k3s1")


def helm(tmp_path: Path, script: str) -> Helm:
    bundle = Bundle.create(tmp_path / "bundle")
    bundle.add(f"#!/bin/sh\n{script}".encode(), kind="helm", name="helm", version="v4.3.1", arch=ARCH)
    return Helm.of(bundle, "v4.3.1")


def test_what_helm_prints_is_read_as_kubernetes_reads_it(tmp_path: Path, asked: Rendering) -> None:
    """Documents become JSON: octal modes are numbers, keys are text, empty documents are nothing."""
    script = "printf -- '---\\n# nothing\\n---\\nkind: A\\nmode: 0644\\nports: {80: x}\\ndate: 2026-01-01\\n'"
    expected = ({"kind": "A", "mode": 420, "ports": {"80": "x"}, "date": "2026-01-01"},)
    assert helm(tmp_path, script).template(asked) == expected
    assert helm(tmp_path, script).template(asked) == expected


def test_the_same_question_does_not_start_helm_again(tmp_path: Path, asked: Rendering) -> None:
    """A second deploy starts fast; other values, chart or Helm ask again; a damaged cache is no answer."""
    script = f"echo run >> {tmp_path}/runs; echo 'kind: A'"
    runs = tmp_path / "runs"
    first = helm(tmp_path, script)
    first.template(asked)
    first.template(asked)
    assert runs.read_text().count("run") == 1
    for kept in (tmp_path / "cache").rglob("renders/*.json"):
        kept.write_text("[{")
    assert first.template(asked) == ({"kind": "A"},)
    assert runs.read_text().count("run") == 2
    helm(tmp_path, script + " # another").template(asked)
    assert runs.read_text().count("run") == 3


def test_a_person_s_own_helm_settings_stay_out(
    tmp_path: Path, asked: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither plug-ins nor a kubeconfig of the operator change a payload."""
    monkeypatch.setenv("HELM_PLUGINS", "/plugins")
    monkeypatch.setenv("KUBECONFIG", "/home/config")
    (found,) = helm(tmp_path, 'echo "p: \'${HELM_PLUGINS:-}\'"; echo "k: $KUBECONFIG"; echo "a: $*"').template(asked)
    assert (found["p"], found["k"]) == ("", "/dev/null")
    assert found["a"].startswith("template r ")
    assert found["a"].endswith("--namespace n --kube-version v1.36.3+k3s1 --skip-tests")


def test_a_failure_carries_its_evidence(tmp_path: Path, asked: Rendering) -> None:
    """The sentence is Helm's own, with the points below it; command, exit code and output are kept."""
    script = "echo 'Error: values are wrong:' >&2; echo \"- at '/a': no\" >&2; exit 3"
    with pytest.raises(RenderFailed, match="values are wrong: at '/a': no") as caught:
        helm(tmp_path, script).template(asked)
    assert caught.value.details[0].startswith("$ ")
    assert "exit 3 after" in caught.value.details[1]
    with pytest.raises(RenderFailed, match="YAML that cannot be read"):
        helm(tmp_path, "echo 'a: ['").template(asked)


def test_a_bundle_without_this_helm_says_so(tmp_path: Path) -> None:
    """Version and kind of machine are named."""
    with pytest.raises(InvalidInput, match=rf"holds no Helm v9.9.9 for this machine \({ARCH}\)"):
        Helm.of(Bundle.create(tmp_path), "v9.9.9")
