"""A bare node becomes a store: the one line from nothing to inference that answers."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Converged

pytestmark = pytest.mark.e2e


def test_a_plan_of_a_bare_node_writes_nothing_but_the_runtime(converged: Converged) -> None:
    """Law 1, where it is hardest: nothing of edgectl is there yet."""
    assert "would change" in converged.plan.out
    assert converged.plan_wrote == set()


def test_a_bare_node_converges(converged: Converged) -> None:
    """One deploy: every gate is true, everything was changed by this run, and inference gives the known answer."""
    verdict = converged.deploy["verdict"]
    assert (verdict["word"], verdict["exit"], verdict["promoted"]) == ("ready", 0, True)
    assert converged.deploy["changed"] == [
        "host-folders",
        "k3s-binary",
        "k3s-files",
        "image-archives",
        "image-files",
        "k3s",
        "models",
        "helm-binary",
        "facts",
        "gpu-guard",
        "release-nvidia-device-plugin",
        "gpu-driver",
        "gpu",
        "release-vision-stack",
    ]
    gates = {title for title, _ in converged.timeline}
    assert {"kubernetes", "images", "gpu", "vision-stack pods", "inference"} <= gates
    assert converged.answers == ""
