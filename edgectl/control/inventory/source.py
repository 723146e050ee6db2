"""Reading the inventory file: YAML nodes with their places, trees on demand.

Owns broken YAML and duplicate keys. Must not know which keys mean something.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from edgectl.control.inventory.place import Finding, Place, invalid
from edgectl.control.inventory.tree import Tree
from edgectl.control.kubeyaml import Loader
from edgectl.wire.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Source:
    """One inventory file, read once. Only what is asked for becomes a tree: 2,000 stores stay cheap."""

    path: Path
    root: yaml.Node | None
    findings: list[Finding] = field(default_factory=list)
    _scalars: Any = field(default_factory=lambda: Loader(""))

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read and parse the file; InvalidInput when it is missing or no YAML."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError as error:
            raise InvalidInput(
                f"there is no inventory at {path}",
                hint="Write a starter with `edgectl init`, or name the file with --inventory or EDGECTL_INVENTORY.",
                docs="inventory",
            ) from error
        except (OSError, UnicodeError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}", docs="inventory") from error
        try:
            root = yaml.compose(text, Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path), 1, 1)
            begun = (
                f"{error.context} begun in line {error.context_mark.line + 1}," if error.context_mark else error.context
            )
            what = " ".join(part for part in (begun, error.problem) if part)
            tab = mark is not None and _is_tab(text, mark.line, mark.column)
            sentence = "a tab stands here: YAML is indented with spaces" if tab else f"broken YAML: {what}"
            raise invalid(path, [Finding(place, sentence)]) from error
        except yaml.YAMLError as error:
            raise invalid(path, [Finding(Place(str(path), 1, 1), f"broken YAML: {error}")]) from error
        return cls(path=path, root=root)

    def fresh(self) -> Source:
        """Return the same file with no findings yet."""
        return replace(self, findings=[])

    def place(self, node: yaml.Node | None) -> Place:
        """Return where a YAML node stands."""
        if node is None:
            return Place(str(self.path), 1, 1)
        return Place(str(self.path), node.start_mark.line + 1, node.start_mark.column + 1)

    def entries(self, node: yaml.Node | None, what: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return a map's entries as key -> (key node, value node); duplicates and other kinds become findings."""
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.findings.append(Finding(self.place(node), f"{what} must be a map of names to settings"))
            return {}
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if key.tag.endswith(":merge") or not name:
                sentence = "merge keys (<<) are not read: say it once in a group" if name else "a key must be a text"
                self.findings.append(Finding(self.place(key), sentence))
            elif name in found:
                first = self.place(found[name][0]).line
                sentence = f'duplicate key "{name}": it is already in line {first}, and only one can hold'
                self.findings.append(Finding(self.place(key), sentence))
            else:
                found[name] = (key, value)
        return found

    def tree(self, node: yaml.Node, key: yaml.Node | None = None, seen: tuple[int, ...] = ()) -> Tree:
        """Turn a YAML node into a tree."""
        at = self.place(node)
        key_at = at if key is None else self.place(key)
        if id(node) in seen:
            self.findings.append(Finding(at, "this alias contains itself"))
            return Tree(None, at, key_at)
        seen = (*seen, id(node))
        if isinstance(node, yaml.MappingNode):
            entries = self.entries(node, "this")
            return Tree({name: self.tree(value, at_, seen) for name, (at_, value) in entries.items()}, at, key_at)
        if isinstance(node, yaml.SequenceNode):
            return Tree([self.tree(item, None, seen) for item in node.value], at, key_at)
        return Tree(self._scalar(node), at, key_at)

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.findings.append(Finding(self.place(node), f"this value cannot be read: {error}"))
            return None


def _is_tab(text: str, line: int, column: int) -> bool:
    lines = text.splitlines()
    return line < len(lines) and lines[line][column : column + 1] == "\t"
