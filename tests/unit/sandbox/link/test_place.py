"""The control socket can be reached under any folder."""

from __future__ import annotations

from pathlib import Path

from edgectl.sandbox.link.place import control_address


def test_the_address_fits_however_long_the_folder_is(tmp_path: Path) -> None:
    """unix(7): 108 bytes with the closing zero."""
    folder = tmp_path / ("long" * 50)
    folder.mkdir()
    (folder / "control.sock").touch()
    with control_address(folder) as address:
        assert len(address) < 108
        assert Path(address).samefile(folder / "control.sock")
