"""Some files as one .tar.gz, as a support desk takes them: made in memory, each file for its owner alone.

Owns: the form. Must not know what is in the files, nor how large they may be.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from collections.abc import Mapping


def parcel(folder: str, files: Mapping[str, bytes]) -> bytes:
    """Return the archive; all of it lies in one folder."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
