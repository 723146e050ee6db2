"""A store at rest: a thousand runs leave nothing behind, and nothing that runs by itself ever ends worse."""

from __future__ import annotations

from tests.sim import stock
from tests.sim.histories import given
from tests.sim.world import World


def _holds(world: World) -> tuple[int, int]:
    """Return files and bytes of all that edgectl keeps on the node, but its audit, whose bound is its own (4 MB)."""
    files = [path for path in world.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    files = [path for path in files if path.parent != world.places.audit]
    return len(files), sum(path.stat().st_size for path in files)


def test_a_thousand_runs_grow_nothing() -> None:
    """Heals, with a deploy that changes nothing now and then: as many files after 1,000 as after 100, none larger."""
    with given(("A",)) as kept, kept.world() as world:
        seen = []
        for number in range(1000):
            if number % 10 == 0:
                world.deploy(stock.offer(stock.A))
                world.settle()
            else:
                world.heal()
            world.events.clear()
            world.pipes.clear()
            world.pressed.clear()
            if number % 250 == 249:
                seen.append(_holds(world))
        files, sizes = zip(*seen, strict=True)
        assert len(set(files[1:])) == 1, files
        assert max(sizes[1:]) - min(sizes[1:]) < 2000, sizes
