"""The disk of a simulated node: real files in one folder, that know what a power cut would leave of them.

Every call that changes a file, by a process, is an event. Until a file is synced a cut takes its bytes; until its
folder is synced, a cut takes its name back. Source: fsync(2), rename(2); ext4 may keep more, never less.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.sim.processes import Killed, Processes

_NAMED = ("replace", "rename", "symlink", "link", "unlink", "mkdir", "rmdir")
_EVENTS = frozenset({"create", "replace", "rename", "symlink", "unlink", "write", "fsync", "fdatasync"})
_SINCE = {"fsync": "sync", "fdatasync": "sync"}
Old = bytes | str | None  # a file's bytes, "-> target" of a link, None for nothing


class Disk:
    """Watches one folder; `volatile` names the part of it that is a tmpfs."""

    def __init__(
        self, root: Path, processes: Processes, event: Callable[[str], None], *, volatile: str = "run"
    ) -> None:
        self._root = str(root)
        self._volatile = str(root / volatile)
        self._processes = processes
        self._event = event
        self.full = False
        self._names: dict[str, dict[str, Old]] = {}  # folder -> path -> what was there at its last sync
        self._bytes: dict[str, bytes | int] = {}  # path -> its bytes at its last sync, or their number if it only grew

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Watch in here."""
        with pytest.MonkeyPatch.context() as patch:
            for name in _NAMED:
                patch.setattr(os, name, self._naming(name, getattr(os, name)))
            for name in ("write", "pwrite", "ftruncate", "fsync", "fdatasync"):
                patch.setattr(os, name, self._on_fd(name, getattr(os, name)))
            patch.setattr(os, "open", self._open(os.open))
            patch.setattr(os, "close", self._close(os.close))
            patch.setattr(os, "fdopen", self._fdopen(os.fdopen))
            patch.setattr(io, "open", self._io_open(io.open))
            yield

    def end(self, fds: dict[int, str], close: Callable[[int], None] = os.close) -> None:
        """Close what a dead process has left open."""
        for fd in list(fds):
            with suppress(OSError):
                close(fd)
        fds.clear()

    def cut(self) -> None:
        """Lose what was not synced, and all of the tmpfs."""
        for path, data in self._bytes.items():
            if not os.path.isfile(path):
                continue
            if isinstance(data, int):
                os.truncate(path, data)
            else:
                Path(path).write_bytes(data)
        for entries in list(self._names.values()):
            for path, old in entries.items():
                _put(Path(path), old)
        self.reboot()

    def sync(self) -> None:
        """Bring all to the disk."""
        self._names.clear()
        self._bytes.clear()

    def reboot(self) -> None:
        """Lose the tmpfs; the rest has reached the disk."""
        self.sync()
        shutil.rmtree(self._volatile, ignore_errors=True)
        Path(self._volatile).mkdir(parents=True)

    def _mine(self, path: object) -> str | None:
        """Return the path when a process touches the folder; Killed when it is dead."""
        me = self._processes.me
        text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
        if me is None or not isinstance(text, str) or not text.startswith(self._root):
            return None
        if me.dead:
            raise Killed
        return text

    def _happens(self, name: str, path: str) -> None:
        if name in _EVENTS:
            self._event(f"{_SINCE.get(name, name)} {path.removeprefix(self._root + '/')}")
        if self.full and name in {"create", "write", "symlink", "mkdir", "link"} and not self._is_volatile(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    def _is_volatile(self, path: str) -> bool:
        return path.startswith(self._volatile)

    def _remember(self, path: str) -> None:
        if not self._is_volatile(path):
            entries = self._names.setdefault(str(Path(path).parent), {})
            if path not in entries:
                synced = self._bytes.get(path)
                entries[path] = _get(Path(path), synced if isinstance(synced, bytes) else None)

    def _naming(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            path = self._mine(args[1] if name in {"replace", "rename", "symlink", "link"} else args[0])
            if path is None:
                return real(*args, **options)
            self._happens(name, path)
            self._remember(path)
            if name in {"replace", "rename"}:
                source = os.fspath(args[0])
                self._remember(source)
                if source in self._bytes:
                    self._bytes[path] = self._bytes.pop(source)
            return real(*args, **options)

        return call

    def _on_fd(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(fd: int, *args: Any) -> Any:
            me = self._processes.me
            path = self._mine(me.fds.get(fd)) if me else None
            if path is None:
                return real(fd, *args)
            self._happens(name, path)
            if name in {"fsync", "fdatasync"}:
                if os.path.isdir(path):
                    self._names.pop(path, None)
                else:
                    self._bytes.pop(path, None)
            elif name == "write":
                self._bytes.setdefault(path, Path(path).stat().st_size)  # ours only append
            else:
                self._dirty(path)
            return real(fd, *args)

        return call

    def _dirty(self, path: str) -> None:
        if not self._is_volatile(path) and not isinstance(self._bytes.get(path), bytes):
            self._bytes[path] = Path(path).read_bytes() if os.path.isfile(path) else b""

    def _open(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
            mine = self._mine(path)
            if mine is None:
                return real(path, flags, mode, **options)
            if flags & os.O_CREAT and not os.path.exists(mine):
                self._happens("create", mine)
                self._remember(mine)
            if flags & os.O_TRUNC:
                self._dirty(mine)
            fd = real(path, flags, mode, **options)
            assert self._processes.me is not None
            self._processes.me.fds[fd] = mine
            return fd

        return call

    def _close(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(fd: int) -> None:
            if self._processes.me is not None:
                self._processes.me.fds.pop(fd, None)
            real(fd)

        return call

    def _fdopen(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(fd: int, *args: Any, **options: Any) -> Any:
            me = self._processes.me
            path = me.fds.get(fd) if me else None
            file = real(fd, *args, **options)
            return file if path is None else _File(self, file, path)

        return call

    def _io_open(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            path = self._mine(file) if set(mode) & set("wax+") else None
            if path is None:
                return real(file, mode, *args, **options)
            if not os.path.exists(path):
                self._happens("create", path)
                self._remember(path)
            self._dirty(path)
            opened = real(file, mode, *args, **options)
            me = self._processes.me
            assert me is not None
            me.fds[opened.fileno()] = path
            return _File(self, opened, path)

        return call


class _File:
    """A file that is written through the disk."""

    def __init__(self, disk: Disk, real: Any, path: str) -> None:
        self._disk = disk
        self._real = real
        self._path = path

    def write(self, data: Any) -> int:
        """Write."""
        self._disk._mine(self._path)
        self._disk._happens("write", self._path)
        self._disk._dirty(self._path)
        return int(self._real.write(data))

    def close(self) -> None:
        """Close; the descriptor is nobody's then."""
        me = self._disk._processes.me
        if me is not None and not self._real.closed:
            me.fds.pop(self._real.fileno(), None)
        self._real.close()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _get(path: Path, synced: bytes | None) -> Old:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if path.is_file():
        return path.read_bytes() if synced is None else synced
    return "dir" if path.is_dir() else None


def _put(path: Path, old: Old) -> None:
    if old == "dir":
        path.mkdir(parents=True, exist_ok=True)
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if old is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(old, bytes):
        path.write_bytes(old)
    else:
        path.symlink_to(old.removeprefix("-> "))
