"""All that stores need, in one bundle: programs first, since Helm says which images the charts name.

Owns the order, and that the end is the proof: every store renders from the bundle alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgectl.control.assets import templates
from edgectl.control.bundle.helm import arch_here
from edgectl.control.bundle.layout import ANY_ARCH, Bundle
from edgectl.control.gather.models import take_models
from edgectl.control.gather.need import IMAGE_LIST, Need, Source
from edgectl.control.gather.packages import take_packages
from edgectl.control.gather.shopping import Say, Shopping
from edgectl.control.inventory.place import Place, invalid
from edgectl.control.inventory.store import NodeTarget, Store, folder_of
from edgectl.control.payload.images import full_name, repository
from edgectl.control.payload.needed import every_node_needs, pulled
from edgectl.control.payload.render import Renderer
from edgectl.control.payload.shelf import Shelf
from edgectl.wire.errors import InvalidInput, Unreachable


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gave: which artifacts are new, by digest with their bytes, and how many were there."""

    fetched: dict[str, int]
    kept: int


def build(stores: Sequence[Store], to: Path, sources: Sequence[Source], say: Say, *, fresh: bool = False) -> Built:
    """Fill a bundle with all that stores need.

    Raises InvalidInput with everything that is missing, each with its line of the inventory, and when the bundle
    cannot be written; Unreachable when a registry or site could not be asked, and nothing else is wrong. What was
    fetched until then stays.
    """
    try:
        return _build([replace(store, bundle=to) for store in stores], to, sources, say, fresh=fresh)
    except OSError as error:
        hint = "make room there, or name another folder with --to"
        raise InvalidInput(f"{to} cannot be filled: {error.strerror or error}", hint=hint) from error


def _build(stores: Sequence[Store], to: Path, sources: Sequence[Source], say: Say, *, fresh: bool) -> Built:
    shopping = Shopping(Bundle.create(to), sources, say, fresh)
    for store in stores:
        _programs(store, shopping)
        _charts(store, shopping)
    take_models(stores, shopping)
    take_packages(stores, shopping)
    shopping.fetch_all()
    shelf = Shelf(shopping.bundle)
    for store in stores:
        _images(store, shelf, shopping)
    shopping.fetch_all()
    _judge(stores, shopping)
    renderer = Renderer()
    for store in stores:
        renderer.render(store)
    return Built(shopping.fetched, shopping.kept)


def _programs(store: Store, shopping: Shopping) -> None:
    for node in store.nodes:
        shopping.want(Need("k3s", "k3s", node.k3s.version, node.arch), _at(store, node))
    for arch in dict.fromkeys((store.lead.arch, arch_here())) if store.releases else ():
        shopping.want(Need("helm", "helm", store.helm_version, arch), store.place("helm", "version"))


def _charts(store: Store, shopping: Shopping) -> None:
    """Pack charts of folders and of edgectl's own into the bundle, and put those with another name on the list."""
    shelf = Shelf(shopping.bundle)
    for release in store.releases:
        at = store.place("releases", release.name, "chart")
        name, _, version = release.chart.partition("@")
        if "/" not in release.chart and not (templates() / "charts" / release.chart).is_dir():
            shopping.want(Need("chart", name, version, ANY_ARCH), at)
            continue
        try:
            found = shelf.chart(release.chart, folder_of(store.source))
        except InvalidInput as error:
            shopping.lack(at, error.message)
        else:
            shopping.bundle.add(found.path, kind="chart", name=found.name, version=found.version, arch=ANY_ARCH)


def _images(store: Store, shelf: Shelf, shopping: Shopping) -> None:
    arches = tuple(dict.fromkeys(node.arch for node in store.nodes))
    for asked in store.releases:
        try:
            packed = shelf.chart(asked.chart, folder_of(store.source))
            made = shelf.release(asked, packed, helm_version=store.helm_version, k3s_version=store.lead.k3s.version)
        except InvalidInput as error:
            if not shopping.missing and not shopping.unreached:  # what is missing says why it does not render
                place = store.place("releases", asked.name, "values")
                shopping.lack(place, f"release {asked.name}: {error.message}")
            continue
        for ref in made.images:
            for arch in arches if not pulled(store, ref) else ():
                at = store.place("releases", asked.name, "chart")
                shopping.want(Need("image", full_name(ref), "", arch), at)
    for index, ref in enumerate(store.images):
        for arch in arches:
            for name in (shopping.names(ref, arch) if _bare(ref) else ()) or (full_name(ref),):
                shopping.want(Need("image", name, "", arch), store.place("images", index))
    for node in store.nodes:
        for wanted in every_node_needs(store):
            _standing(store, node, wanted, shopping)


def _standing(store: Store, node: NodeTarget, wanted: str, shopping: Shopping) -> None:
    """Put what every node runs on the list: the tag is what its version of k3s names."""
    if pulled(store, wanted):
        return
    listed = Need(IMAGE_LIST, IMAGE_LIST, node.k3s.version, ANY_ARCH)
    names: tuple[str, ...] = ()
    if shopping.has(listed, quietly=True):
        held = shopping.bundle.find(kind="k3s", name=IMAGE_LIST, version=node.k3s.version, arch=ANY_ARCH)
        lines = shopping.bundle.blob(held).read_text(errors="replace").split() if held else ()
        names = tuple(full_name(line) for line in lines if repository(line) == wanted)
    names = names or shopping.names(wanted, node.arch)
    for name in names:
        shopping.want(Need("image", name, "", node.arch), store.bundle_at)
    if not names:
        shopping.lack(
            _at(store, node),
            f"which {wanted} k3s {node.k3s.version} starts is not known: its k3s-images.txt cannot be had",
            because=listed,
        )


def _judge(stores: Sequence[Store], shopping: Shopping) -> None:
    findings = [*shopping.missing, *shopping.unreached]
    if not findings:
        return
    error = invalid(stores[0].source, findings)
    count = len(set(findings))
    some = f"{count} thing{'s' if count > 1 else ''} that the stores need"
    again = "What was fetched stays; the same command goes on from here."
    if shopping.missing:
        hint = f"Correct these lines, or bring the files with --from. {again}"
        raise InvalidInput(f"{some} cannot be had", hint=hint, details=error.details)
    hint = " ".join((*dict.fromkeys(shopping.hints), again))
    raise Unreachable(f"{some} could not be asked for", hint=hint, details=error.details)


def _at(store: Store, node: NodeTarget) -> Place:
    own = ("nodes", node.name, "k3s", "version")
    return store.place(*own) if store.tree.get(*own) is not None else store.place("k3s", "version")


def _bare(ref: str) -> bool:
    return ":" not in ref.rpartition("/")[2] and "@" not in ref
