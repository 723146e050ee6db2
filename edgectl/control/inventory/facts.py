"""What a store is, as data: for its pods, and for the rules that it is judged by.

Owns the form of these facts. Must not know secrets, nor how a node is reached.
"""

from __future__ import annotations

from typing import Any

from edgectl.control.inventory import network_schema, schema
from edgectl.control.inventory.model_schema import Model
from edgectl.control.inventory.section import Section

_OF_STORES = ("cameras", "baselines", "windows")
_OF_MODELS = ("version", "variant")
_OF_NODES = ("hardware", "gpu", "identity")


def facts(name: str, store: schema.Store, nodes: dict[str, schema.Node]) -> dict[str, Any]:
    """Return a JSON object: who the store is, its hardware, cameras, models, windows; what nobody said is not in it."""
    found: dict[str, Any] = {
        "name": name,
        "title": store.title,
        "profile": store.profile,
        "groups": list(store.groups),
        "timezone": store.timezone,
        **{key: _said(getattr(store, key)) for key in _OF_STORES},
        "models": _models(store.models),
        "network": _network(store.network),
        "nodes": {node: _node(model) for node, model in nodes.items()},
    }
    return {key: value for key, value in found.items() if value}


def _models(models: dict[str, Model | None] | None) -> Any:
    """Return which versions run: where their files lie, and what is to come, is nobody's matter in the store."""
    return {
        name: {key: value for key, value in _said(model).items() if key in _OF_MODELS}
        for name, model in (models or {}).items()
        if model is not None
    }


def _network(network: network_schema.Network | None) -> Any:
    """Return the store's way out, without what a deploy may take of it: another cap is nothing new for a store."""
    return {key: value for key, value in (_said(network) or {}).items() if key != "limits"}


def _node(node: schema.Node) -> dict[str, Any]:
    found = {key: _said(getattr(node, key)) for key in _OF_NODES}
    return {"role": node.role, "address": node.address, **{key: value for key, value in found.items() if value}}


def _said(value: Any) -> Any:
    """Return a section as JSON, without what nobody said."""
    if isinstance(value, Section):
        return {key: _said(found) for key, found in vars(value).items() if found is not None and found != []}
    if isinstance(value, dict):
        return {key: _said(found) for key, found in value.items() if found is not None}
    if isinstance(value, list):
        return [_said(found) for found in value]
    return value
