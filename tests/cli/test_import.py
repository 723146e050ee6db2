"""`edgectl inventory import` through the real entry point."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Edgectl

CASES = Path(__file__).parents[1] / "cases/import"
GERMAN = ("Filiale=store", "Knoten=node", "IP=address", "Anzahl GPU=gpu.count", "Telefon=-")
MAPS = [word for text in GERMAN for word in ("--map", text)]
STAND_IN = """#!/bin/sh
case " $* " in *--export*) cat {cases}/exported.json ;; *) cat {cases}/merged.json ;; esac
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put a program called ansible-inventory first on PATH."""
    file = tmp_path / "bin" / "ansible-inventory"
    file.parent.mkdir()
    file.write_text(text)
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")


def test_csv_to_a_file(tmp_path: Path, edgectl: Edgectl) -> None:
    """The file is an inventory that other commands read; what is missing is listed, with the next command."""
    to = tmp_path / "stores" / "inventory.yaml"
    said = edgectl("inventory", "import", "csv", str(CASES / "csv/excel.csv"), *MAPS, "--to", str(to))
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"wrote {to}: 2 stores, 3 nodes, 2 groups",
        '  note      Left out: column "Telefon".',
        "  note      No column says role: the first node of a store is its server, the others are agents.",
        "  missing   a node needs a k3s: k3s: {version: v1.36.3+k3s1}  (042 and 1 more)",
        "  missing   3 nodes without host_key: 042/node-1, 042/node-2, 077/node-1",
        f"  next      say in {to} what is missing (for all stores: under defaults)",
        f'  next      edgectl inventory scan-keys "*" -i {to}',
    ]
    assert edgectl("explain", "042", "nodes.node-2.role", "-i", str(to)).out.startswith("nodes.node-2.role")


def test_what_is_there_is_never_overwritten(tmp_path: Path, edgectl: Edgectl) -> None:
    """Not even by an import that would go well. Seeded fault: leave out the look at FILE."""
    to = tmp_path / "inventory.yaml"
    to.write_text("mine")
    for kind, source in (("csv", "csv/excel.csv"), ("ansible", "ansible/exported.json")):
        said = edgectl("inventory", "import", kind, str(CASES / source), "--to", str(to))
        assert said.code == 3
        assert "is there already" in said.err
    assert to.read_text() == "mine"


def test_stdout_is_the_inventory_alone(edgectl: Edgectl) -> None:
    """`> inventory.yaml` works: sentences go to stderr; -o json has all in one document."""
    words = ("inventory", "import", "csv", str(CASES / "csv/excel.csv"), *MAPS)
    said = edgectl(*words)
    assert said.out.startswith("# Made from ")
    assert said.err.startswith("made an inventory: 2 stores, 3 nodes, 2 groups\n")
    document = edgectl(*words, "-o", "json").document
    assert document["text"].rstrip("\n") == said.out.rstrip("\n")
    assert document["without_host_key"] == ["042/node-1", "042/node-2", "077/node-1"]


def test_wrong_cells_write_nothing(tmp_path: Path, edgectl: Edgectl) -> None:
    """Exit 3, all at once."""
    to = tmp_path / "inventory.yaml"
    said = edgectl("inventory", "import", "csv", str(CASES / "csv/wrong.csv"), "--to", str(to))
    assert (said.code, said.out) == (3, "")
    assert "error: 9 errors in " in said.err
    assert not to.exists()


def test_ansible_is_asked_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgectl: Edgectl) -> None:
    """INI goes through `ansible-inventory`; the result is that of its JSON. What it refuses is said in its words."""
    program(tmp_path, monkeypatch, STAND_IN.format(cases=CASES / "ansible"))
    words = ("inventory", "import", "ansible", "-o", "json")
    asked = edgectl(*words, str(CASES / "ansible/hosts.ini")).document
    given = edgectl(*words, str(CASES / "ansible/exported.json")).document
    assert asked["text"].splitlines()[1:] == given["text"].splitlines()[1:]
    assert {left["name"] for left in asked["not_taken_over"]} >= {"ntp_server", "db_password", "notes"}
    (tmp_path / "bin" / "ansible-inventory").write_text(
        "#!/bin/sh\necho '[ERROR]: Attempting to decrypt but no vault secrets found.' >&2\nexit 4\n"
    )
    said = edgectl("inventory", "import", "ansible", str(CASES / "ansible/hosts.ini"))
    assert said.code == 3
    assert "Attempting to decrypt" in said.err
    assert "ANSIBLE_VAULT_PASSWORD_FILE" in said.err


@pytest.mark.skipif(shutil.which("ansible-inventory") is None, reason="ansible-core is not installed")
@pytest.mark.parametrize("name", ["hosts.ini", "hosts.yaml"])
def test_the_real_ansible_says_the_same(name: str, edgectl: Edgectl) -> None:
    """The JSON of the other tests is what Ansible writes today, for INI and for YAML."""
    words = ("inventory", "import", "ansible", "-o", "json")
    asked = edgectl(*words, str(CASES / "ansible" / name)).document
    given = edgectl(*words, str(CASES / "ansible/exported.json")).document
    assert asked["text"].splitlines()[1:] == given["text"].splitlines()[1:]
