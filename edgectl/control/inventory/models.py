"""What the models of a store must be before a registry can keep them: versions and variants that name folders.

Owns the findings on `models.NAME.from`, `next`, `strategy` and `rollout`. Must not look at the files.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from edgectl.control.inventory import schema
from edgectl.control.inventory.check import Where
from edgectl.control.inventory.model_schema import Model
from edgectl.control.inventory.path import path_error
from edgectl.wire.rollout import RECREATE
from edgectl.wire.safename import is_safe


def model_findings(store: schema.Store) -> Iterator[tuple[Where, str]]:
    """Yield what is wrong with models that come from files: where, and a sentence."""
    for name, model in (store.models or {}).items():
        if model is None:
            continue
        at, what = ("models", name), f"models.{name}"
        if model.from_ is not None:
            if model.version is None:
                yield (*at, "from"), f'{what}: a file needs the version that it is: version: "1.4"'
            yield from _path(model.from_, (*at, "from"), f"{what}.from")
        if model.next is not None:
            yield from _path(model.next.from_, (*at, "next", "from"), f"{what}.next.from")
            yield from _named(model.next.version, (*at, "next", "version"), f"{what}.next.version")
        if model.from_ is not None and model.version is not None:
            yield from _named(model.version, (*at, "version"), f"{what}.version")
        yield from _rolls_out(model, at, what)
        if model.variant is not None and (model.from_ is not None or model.next is not None):
            yield from _named(model.variant, (*at, "variant"), f"{what}.variant")


def _rolls_out(model: Model, at: Where, what: str) -> Iterator[tuple[Where, str]]:
    if model.strategy not in {None, RECREATE} and model.from_ is None:
        sentence = "no registry keeps it, so none of its versions can stand beside another: say from, or leave it out"
        yield (*at, "strategy"), f"{what}: {model.strategy}, but {sentence}"
    steps = (model.rollout.steps if model.rollout else None) or []
    if any(one >= other for one, other in itertools.pairwise(steps)):
        yield (*at, "rollout", "steps"), f"{what}.rollout.steps: they must rise, as in [5, 25, 50]"


def _named(text: str, at: Where, what: str) -> Iterator[tuple[Where, str]]:
    if not is_safe(text):
        sentence = "it names a folder on nodes: letters, digits, and . _ + - inside, up to 63 of them"
        yield at, f'{what}: "{text}" cannot be kept: {sentence}'


def _path(text: str, at: Where, what: str) -> Iterator[tuple[Where, str]]:
    if wrong := path_error(text):
        yield at, f"{what}: {wrong}"
