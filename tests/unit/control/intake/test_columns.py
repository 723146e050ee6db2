"""A table of nodes: delimiters and marks as Excel writes them, every wrong cell with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.control.intake.columns import from_csv
from edgectl.control.intake.draft import Draft
from edgectl.control.intake.judged import judged
from edgectl.control.intake.slot import mapping
from edgectl.wire.errors import InvalidInput, UsageError
from tests.unit.control.findings import findings

CASES = Path(__file__).parents[3] / "cases/import/csv"
GERMAN = ("Filiale=store", "Knoten=node", "IP=address", "Anzahl GPU=gpu.count", "Telefon=-")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def table(tmp_path: Path, text: str | bytes, *mapped: str) -> Draft:
    """Read a table."""
    file = tmp_path / "stores.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return from_csv(file, mapping(mapped, "COLUMN"))


def wrong(tmp_path: Path, text: str | bytes, *mapped: str) -> list[str]:
    """Return all findings about a table, from its reading and from the loader."""
    with pytest.raises(InvalidInput) as raised:
        judged(table(tmp_path, text, *mapped), bundle="bundle", file=Path("inventory.yaml"))
    assert "nothing was written" in raised.value.message
    return [line.replace(f"{tmp_path}/", "") for line in findings(raised.value)]


def test_what_excel_writes_is_read() -> None:
    """Byte order mark, `sep=`, semicolons, doubled quotes, a line break in a cell, an empty row: nothing is lost."""
    draft = from_csv(CASES / "excel.csv", mapping(GERMAN, "COLUMN"))
    assert draft.wrong == []
    assert draft.groups == {"rhein": {}, "eu": {}}
    assert draft.stores == {
        "042": {
            "title": 'Köln; Dom "alt"',
            "groups": ["rhein", "eu"],
            "nodes": {
                "node-1": {
                    "address": "10.0.0.1",
                    "gpu": {"count": 2},
                    "host": {"sysctls": {"fs.inotify.max_user_watches": 8192}},
                },
                "node-2": {"address": "10.0.0.2", "gpu": {"count": 2}, "role": "agent"},
            },
        },
        "077": {
            "title": "Bonn Markt",
            "groups": ["rhein"],
            "nodes": {"node-1": {"address": "10.0.1.1", "gpu": {"count": 0}}},
        },
    }
    assert draft.notes[0] == 'Left out: column "Telefon".'
    found = judged(draft, bundle="bundle", file=Path("inventory.yaml"))
    assert (found.stores, found.nodes) == (2, 3)
    assert found.keyless == ["042/node-1", "042/node-2", "077/node-1"]
    assert found.missing == ["a node needs a k3s: k3s: {version: v1.36.3+k3s1}  (042 and 1 more)"]


def test_all_wrong_cells_come_at_once() -> None:
    """Types, ranges, addresses, names, doubles, cells without a column: each at its own line and column.

    Seeded fault: count a cell's line break as a row, and the lines below are wrong.
    """
    draft = from_csv(CASES / "wrong.csv", {})
    with pytest.raises(InvalidInput) as raised:
        judged(draft, bundle="bundle", file=Path("inventory.yaml"))
    found = [line.removeprefix(f"{CASES}/") for line in findings(raised.value)]
    assert found == [
        'wrong.csv:2:16  address: an IP address is needed, not "10.0.0.x"',
        'wrong.csv:2:25  nodes.node-1.gpu.count: a whole number is needed, not the text "two"',
        "wrong.csv:2:29  nodes.node-1.ssh.port: at most 65535 is needed, not 99999",
        "wrong.csv:3:9  store-1 has its node-1 already, in line 2",
        (
            'wrong.csv:4:1  "Store 3" is no name: lower-case letters, digits and "-" are, up to 63 of them. '
            'Did you mean "store-3"?'
        ),
        "wrong.csv:6:1  this row names no store",
        "wrong.csv:7:36  this cell has no column: the header has fewer",
        "wrong.csv:8:16  node-2 has the same address as node-1: 10.0.0.5",
        "wrong.csv:8:30  store-4's title is another one in line 7, and a store has one",
    ]


@pytest.mark.parametrize(
    ("header", "finding"),
    [
        ("store,adress", '1:7  column "adress": a store and its nodes have no "adress". Did you mean "address"?'),
        ("store,gpu.cuont", '1:7  column "gpu.cuont": gpu has no "cuont". Did you mean "count"?'),
        ("store,gpu", '1:7  column "gpu": gpu is a map: name one of its keys, gpu.KEY'),
        ("store,address.x", '1:7  column "address.x": address holds one value, and no "x"'),
        ("store,windows.deploy", '1:7  column "windows.deploy": windows.deploy is a list of maps'),
        ("store,ssh.user,node.ssh.user", '1:16  column "node.ssh.user" means the same as "ssh.user"'),
        ("address,title", "1:1  no column says the store"),
    ],
)
def test_a_column_that_means_nothing_is_named(tmp_path: Path, header: str, finding: str) -> None:
    """With the nearest key; nothing is guessed, nothing is left out silently."""
    (found,) = wrong(tmp_path, f"{header}\na,b,c\n")
    assert found.startswith(f"stores.csv:{finding}")


def test_a_table_that_is_none(tmp_path: Path) -> None:
    """UTF-16, Latin-1, workbooks, open quotes, nothing at all: what to do is said."""
    assert wrong(tmp_path, "store\n".encode("utf-16")) == ['stores.csv:1:1  the file is UTF-16: save it as "CSV UTF-8"']
    assert wrong(tmp_path, "store,title\na,Köln\n".encode("latin-1")) == [
        'stores.csv:2:4  byte 0xf6 is no UTF-8: save it as "CSV UTF-8"'
    ]
    assert "a workbook" in wrong(tmp_path, b"PK\x03\x04xlsx")[0]
    assert wrong(tmp_path, 'store,title\na,"b\n')[0].startswith("stores.csv:2:1  this row is no CSV: ")
    assert wrong(tmp_path, "store,title\n") == ["stores.csv:1:1  there is no row below the names of the columns"]
    with pytest.raises(InvalidInput, match="is empty"):
        table(tmp_path, "\n\n")


def test_values_are_what_the_key_needs(tmp_path: Path) -> None:
    """A title of digits stays text, a count is a number, a size may be both; store and node can be forced."""
    draft = table(
        tmp_path,
        "store,title,gpu.count,host.free_bytes,ssh.agent,ssh.keys,network.rtt_ms,k3s.config.x.z,store.gpu.required\n"
        "a,007,1,8GiB,TRUE,~/a ~/b,12,on,1\n",
    )
    assert draft.stores["a"] == {
        "title": "007",
        "network": {"rtt_ms": 12.0},
        "gpu": {"required": 1},
        "nodes": {
            "node-1": {
                "gpu": {"count": 1},
                "host": {"free_bytes": "8GiB"},
                "ssh": {"agent": True, "keys": ["~/a", "~/b"]},
                "k3s": {"config": {"x": {"z": "on"}}},
            }
        },
    }
    assert judged(draft, bundle="bundle", file=Path("inventory.yaml")).stores == 1


@pytest.mark.parametrize("text", ["x", "=title", "x=", "x=titel", "x=gpu"])
def test_a_mapping_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="--map"):
        mapping([text], "COLUMN")


def test_a_mapped_column_that_is_not_there(tmp_path: Path) -> None:
    """A typo in --map does not leave a column out silently."""
    assert wrong(tmp_path, "store\na\n", "Fillale=title") == [
        'stores.csv:1:1  there is no column "Fillale", which --map names'
    ]
