"""A draft's text, looked at as any inventory is: what cannot stand, and what is still missing.

Owns the way back from a finding in our file to the line of theirs. Must not know which keys mean something, but that a
node needs a host key before it can be deployed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as File

from edgectl.control.intake.draft import Draft, Origin, Path, Wrong
from edgectl.control.intake.write import plain_of, text_of
from edgectl.control.inventory.build import Build
from edgectl.control.inventory.load import Inventory
from edgectl.control.inventory.place import Finding, invalid
from edgectl.control.inventory.source import Source
from edgectl.control.inventory.tree import Tree
from edgectl.wire.errors import Bug, InvalidInput

_LAYER, _NODE = 2, 4  # how long their paths are


@dataclass(slots=True)
class Judged:
    """A text that may be written. `keyless` are nodes ("store-042/node-1") without a host key."""

    text: str
    stores: int = 0
    nodes: int = 0
    keyless: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def judged(draft: Draft, *, bundle: str, file: File) -> Judged:
    """Return the text, and what its stores still need; `file` is how sentences call it.

    Raises InvalidInput with all values that cannot be taken over, each with where it came from.
    """
    text = text_of(draft, bundle=bundle)
    wrong, found = list(draft.wrong), Judged(text)
    build = Build(text, str(file)).run()
    if build.findings or build.root.plain() != plain_of(draft, bundle=bundle):
        raise Bug("the inventory that was made does not say what was read", details=tuple(map(str, build.findings)))
    from_here = {**dict(_places(build.root, draft, ())), **_names(build.root, draft)}
    inventory = Inventory(path=file, source=Source(file, text.encode(), None))
    missing: dict[str, list[str]] = {}
    for name in inventory.names():
        nodes = inventory.tree(name).nearest("nodes")
        found.stores += 1
        for node, own in nodes.items():
            found.nodes += 1
            if own.get("host_key") is None:
                found.keyless.append(f"{name}/{node}")
        for at, sentence in _findings(inventory, name):
            if at in from_here:
                wrong.append(Wrong(from_here[at], sentence))
            elif "pinned SSH host key" not in sentence:
                words = _general(sentence, name, [node for node, _ in nodes.items()])
                if name not in missing.setdefault(words, []):
                    missing[words].append(name)
    if wrong:
        raise refused(draft.source, wrong)
    found.missing = [_of_stores(sentence, names) for sentence, names in missing.items()]
    return found


def refused(source: str, wrong: list[Wrong]) -> InvalidInput:
    """Return the one error for all that cannot be taken over."""
    wrong = list(dict.fromkeys(wrong))
    placed = [Finding(one.origin.place, one.sentence, secret=True) for one in wrong if one.origin.place]
    rest = tuple(f"{one.origin}  {one.sentence}" for one in wrong if not one.origin.place)
    error = invalid(File(source), placed, *rest)
    count = len(set(placed)) + len(rest)
    error.message = f"{count} error{'s' * (count > 1)} in {source}, nothing was written"
    error.hint = "Correct these, or leave a value out with --map NAME=-, and run the same command again."
    return error


def _findings(inventory: Inventory, name: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield line, column and sentence of all that one store's error lists."""
    try:
        inventory.store(name)
    except InvalidInput as error:
        for detail in error.details:
            if match := re.fullmatch(rf"{re.escape(str(inventory.path))}:(\d+):(\d+)  (.*)", detail, re.DOTALL):
                yield (int(match[1]), int(match[2])), " ".join(match[3].split("\n"))


def _places(
    tree: Tree, draft: Draft, path: Path, origin: Origin | None = None
) -> Iterator[tuple[tuple[int, int], Origin]]:
    """Yield the place of every value that came from somewhere, and of all in it."""
    origin = None if _is_name(path) else draft.origins.get(path, origin)
    if origin is not None:
        yield tree.at[1:], origin
    inside = enumerate(tree.value) if isinstance(tree.value, list) else tree.items()
    for key, child in inside:
        yield from _places(child, draft, (*path, str(key)), origin)


def _names(root: Tree, draft: Draft) -> dict[tuple[int, int], Origin]:
    """Return the places of names: what is wrong with one stands at its key, not at its value."""
    found = {}
    for path, origin in draft.origins.items():
        tree = root.get(*path)
        if tree is not None and _is_name(path):
            found[tree.key_at[1:]] = origin
    return found


def _is_name(path: Path) -> bool:
    """Tell whether a path ends with a name of a layer or a node: what is wrong *in* it stands at the same place."""
    return len(path) == _LAYER or (len(path) == _NODE and path[0] == "stores" and path[2] == "nodes")


def _general(sentence: str, store: str, nodes: list[str]) -> str:
    """Return a sentence without the names of a store and its node, so that the same of many stores is one."""
    sentence = re.sub(rf"^{re.escape(store)}(: | )", lambda found: "" if found[1] == ": " else "a store ", sentence)
    return next((f"a node{sentence[len(node) :]}" for node in nodes if sentence.startswith(f"{node} ")), sentence)


def _of_stores(sentence: str, names: list[str]) -> str:
    return sentence if not names else f"{sentence}  ({names[0]}{f' and {len(names) - 1} more' if names[1:] else ''})"
