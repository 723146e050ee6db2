"""A table of nodes as a draft: one row a node, columns named like paths of the inventory.

Owns what a row means. What a value may be is the inventory's own schema's matter, asked later.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgectl.control.intake.draft import Draft, Origin, Wrong, read
from edgectl.control.intake.judged import refused
from edgectl.control.intake.slot import NODE, STORE, Meaning, NoSlot, Slot, slot
from edgectl.control.intake.table import Cell, rows

_NODE_1 = "node-1"
_NAMELESS = ""


def from_csv(file: Path, mapped: Mapping[str, Meaning]) -> Draft:
    """Return what a table says; InvalidInput when its columns cannot be understood.

    `mapped` are columns by their heads whose path is said on the command line; None leaves a column out.
    """
    header, *body = rows(file)
    draft = Draft(str(file))
    columns = _columns(header, mapped, draft)
    if draft.wrong:
        raise refused(draft.source, draft.wrong)
    if not body:
        draft.wrong.append(Wrong(Origin(header[0].place), "there is no row below the names of the columns"))
    for row in body:
        _row(row, columns, draft)
    _roles(draft, columns)
    return draft


def _columns(header: list[Cell], mapped: Mapping[str, Meaning], draft: Draft) -> list[Meaning]:
    found: list[Meaning] = []
    seen: dict[object, Cell] = {}
    heads = {cell.text for cell in header}
    for name in mapped:
        if name not in heads:
            draft.wrong.append(Wrong(Origin(header[0].place), f'there is no column "{name}", which --map names'))
    for cell in header:
        column: Meaning = None
        try:
            column = _column(cell, mapped)
        except NoSlot as error:
            sentence = f'column "{cell.text}": {error} Say where it belongs with --map "{cell.text}=path"'
            draft.wrong.append(Wrong(Origin(cell.place), f"{sentence}, or leave it out with =-"))
        if column is not None and column != _NAMELESS:
            meant = column if isinstance(column, str) else (column.level, column.path)
            if meant in seen:
                first = seen[meant]
                sentence = f'column "{cell.text}" means the same as "{first.text}", and only one can hold'
                draft.wrong.append(Wrong(Origin(cell.place), sentence))
            seen.setdefault(meant, cell)
        if column is None and cell.text in mapped:
            draft.notes.append(f'Left out: column "{cell.text}".')
        found.append(column)
    if STORE not in seen and not draft.wrong:
        sentence = 'no column says the store: name one "store", or say which it is with --map "COLUMN=store"'
        draft.wrong.append(Wrong(Origin(header[0].place), sentence))
    return found


def _column(cell: Cell, mapped: Mapping[str, Meaning]) -> Meaning:
    if cell.text in mapped:
        return mapped[cell.text]
    if cell.text.lower() in (STORE, NODE, _NAMELESS):
        return cell.text.lower()
    return slot(cell.text if "." in cell.text else cell.text.lower())


def _row(row: list[Cell], columns: list[Meaning], draft: Draft) -> None:
    for cell in row[len(columns) :]:
        if cell.text:
            draft.wrong.append(Wrong(Origin(cell.place), "this cell has no column: the header has fewer"))
    cells = list(zip(columns, row, strict=False))
    for column, cell in cells:
        if column == _NAMELESS and cell.text:
            draft.wrong.append(Wrong(Origin(cell.place), "this cell's column has no name in the first row"))
    named = {column: cell for column, cell in cells if isinstance(column, str) and cell.text}
    if STORE not in named:
        draft.wrong.append(Wrong(Origin(row[0].place), "this row names no store"))
        return
    store = named[STORE].text
    here = ("stores", store)
    if store not in draft.stores:
        draft.put(here, {"nodes": {}}, Origin(named[STORE].place))
    nodes = draft.stores[store]["nodes"]
    node = named[NODE].text if NODE in named else _NODE_1 if NODE in columns else f"node-{len(nodes) + 1}"
    if node in nodes:
        first = draft.origins[*here, "nodes", node]
        at = named.get(NODE, named[STORE]).place
        line = first.place.line if first.place else 0
        draft.wrong.append(Wrong(Origin(at), f"{store} has its {node} already, in line {line}"))
        return
    draft.put((*here, "nodes", node), {}, Origin(named.get(NODE, named[STORE]).place))
    for column, cell in cells:
        if isinstance(column, Slot) and cell.text:
            _value(column, cell, store, node, draft)


def _value(column: Slot, cell: Cell, store: str, node: str, draft: Draft) -> None:
    value, origin = column.typed(cell.text), Origin(cell.place)
    path = ("stores", store, *(("nodes", node) if column.level == "node" else ()), *column.path)
    said = draft.origins.get(path)
    if said is not None and read(draft.stores, path[1:]) != value:
        line = said.place.line if said.place else 0
        sentence = f"{store}'s {'.'.join(column.path)} is another one in line {line}, and a store has one"
        draft.wrong.append(Wrong(origin, sentence))
        return
    draft.put(path, value, origin)
    if column.path == ("groups",):
        for group in value:
            draft.groups.setdefault(group, {})
            draft.origins.setdefault(("groups", group), origin)
    if column.path == ("profile",):
        draft.profiles.setdefault(value, {})
        draft.origins.setdefault(("profiles", value), origin)


def _roles(draft: Draft, columns: list[Meaning]) -> None:
    """Make the first node of a store its server where no column says it."""
    if any(isinstance(column, Slot) and column.path == ("role",) for column in columns):
        return
    several = [store for store in draft.stores.values() if len(store["nodes"]) > 1]
    for store in several:
        for node in list(store["nodes"].values())[1:]:
            node["role"] = "agent"
    if several:
        draft.notes.append("No column says role: the first node of a store is its server, the others are agents.")
