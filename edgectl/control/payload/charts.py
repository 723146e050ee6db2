"""From a chart's name in the inventory to its archive.

Owns where charts are looked for: a folder, edgectl's own templates, the bundle. Must not render.
"""

from __future__ import annotations

from pathlib import Path

from edgectl.control.assets import templates
from edgectl.control.bundle.chart import Chart, pack
from edgectl.control.bundle.layout import ANY_ARCH, Bundle
from edgectl.control.inventory.place import nearest
from edgectl.wire.errors import InvalidInput


def chart(name: str, *, folder: Path, bundle: Bundle) -> Chart:
    """Find a chart: `./path` beside the inventory, a name of templates/charts, or `name[@version]` of the bundle.

    InvalidInput says where it was looked for.
    """
    if "/" in name:
        path = folder / Path(name).expanduser()
        if path.is_dir():
            return pack(path)
        raise InvalidInput(f"there is no chart folder {name} beside the inventory")
    own = templates() / "charts"
    if (own / name).is_dir():
        return pack(own / name)
    wanted, _, version = name.partition("@")
    found = bundle.find(kind="chart", name=wanted, version=version, arch=ANY_ARCH)
    if found is not None:
        path = bundle.path(found.digest)
        return Chart(name=wanted, version=found.version, digest=found.digest, size=found.size, path=path)
    folders = [entry.name for entry in own.iterdir() if entry.is_dir()] if own.is_dir() else []
    held = [f"{artifact.name}@{artifact.version}" for artifact in bundle.all("chart")]
    known = ", ".join(sorted([*folders, *held])) or "none"
    hint = nearest(name, [*folders, *held])
    raise InvalidInput(f'there is no chart "{name}" in templates or bundle (known: {known}).{hint}')
