"""What is declared here of models, for whoever acts beside the engine: a person's turn, and the watchdog.

Owns reading it, and what a model comes back to when its rollout ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.node.desired import deployed
from edgectl.node.io.places import Places
from edgectl.node.models import expected, rollout
from edgectl.node.models.registry import CANDIDATE, Registry
from edgectl.node.models.rollout import Begun
from edgectl.wire.errors import NotReady
from edgectl.wire.payload import Models
from edgectl.wire.rollout import Rollout

SHOWS = "edgectl models STORE shows what is kept (at the rack: edgectl-node models)"


@dataclass(frozen=True)
class Declares:
    """The models that this node's store declares."""

    places: Places
    node: str
    models: Models
    namespaces: frozenset[str] = frozenset()  # of its releases

    def folder(self, name: str) -> str:
        """Return the folder of the version that this node should run; raises NotReady where there is none."""
        for model in self.models.current:
            if model.name == name:
                return model.folder
        names = ", ".join(model.name for model in self.models.current) or "none"
        raise NotReady(f"this node keeps no model {name} (it keeps {names})", hint=SHOWS)

    def deploys_to(self, namespace: str) -> bool:
        """Tell whether pods there are of its releases; where it has none, pods come from elsewhere."""
        return not self.namespaces or namespace in self.namespaces

    def asked(self, name: str) -> Rollout | None:
        """Return how its versions come to run; None: at once."""
        return self.models.rollouts.get(name)

    def running(self, name: str) -> Begun | None:
        """Return the rollout of a model that counts."""
        wanted = next((model.folder for model in self.models.current if model.name == name), None)
        return rollout.running(Registry(self.places), name, wanted, self.asked(name)) if wanted else None

    def end(self, name: str) -> None:
        """End a rollout; what has come ahead is the candidate again."""
        registry = Registry(self.places)
        rollout.end(registry, name)
        registry.point(name, CANDIDATE, expected.ahead(self.places, name, self.models))


def declared(places: Places) -> Declares:
    """Read it; raises NotReady where it cannot be."""
    payload, node = deployed(places, decided=True)
    namespaces = frozenset(release.namespace for release in payload.releases)
    return Declares(places, node.name, payload.models or Models(()), namespaces)
