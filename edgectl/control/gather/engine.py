"""Images from the Docker engine of this machine, which knows how to log in to registries.

Owns what its errors mean: not there, or not to be reached. Must not know what images are for.
"""

from __future__ import annotations

import re
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgectl.control.bundle.image import images_of, opened
from edgectl.control.gather.held import packed
from edgectl.control.gather.need import Absent, Brought, Got, Need, OutOfReach
from edgectl.control.payload.images import host_of

if TYPE_CHECKING:
    from python_on_whales import DockerClient

_LIMIT_SECONDS = 1800  # of one pull or save
_NO_ENGINE = "Start Docker here, or point DOCKER_HOST at one, or bring the images with --from (docker save)."
_ENDED = {124, 137}  # `timeout` has ended it
_NOT_THERE = re.compile(r"(?i)manifest unknown|not found|no matching manifest|no such image|invalid reference")
_DENIED = re.compile(r"(?i)unauthorized|denied|authentication required|no basic auth|forbidden")
_DOWN = re.compile(r"(?i)cannot connect to the docker daemon|is the docker daemon running|permission denied.*sock")


class Engine:
    """The Docker engine that `docker` on the command line talks to. `fresh`: tags are asked for again."""

    def __init__(self, *, fresh: bool = False) -> None:
        self._fresh = fresh
        self._lost: dict[str, OutOfReach] = {}  # registries that did not answer are asked once

    def names(self, repository: str, arch: str) -> tuple[str, ...]:
        """Which of several tags is meant, the engine does not say."""
        del repository, arch
        return ()

    def packages(self) -> tuple[Brought, ...]:
        """Return none: it has images."""
        return ()

    def fetch(self, need: Need, work: Path) -> Got:
        """Return an image in the bundle's form, pulled where the engine does not have it for this architecture."""
        if need.kind != "image":
            raise Absent("")
        from python_on_whales.exceptions import DockerException

        saved = work / "saved.tar"
        try:
            if self._arch(need.name) != need.arch or (self._fresh and "@" not in need.name):
                self._pull(need)
            self._client.image.save(need.name, output=saved)
        except DockerException as error:
            raise self._meaning(error, need) from error
        with opened(saved) as tar:
            images = images_of(tar)
        fits = [image for image in images if image.arch == need.arch]
        if not fits:
            has = ", ".join(image.arch for image in images) or "nothing"
            raise Absent(f"Docker has it for {has} only")
        return packed(saved, fits[0], need, work)

    @cached_property
    def _client(self) -> DockerClient:
        from python_on_whales import DockerClient

        if shutil.which("docker") is None:
            raise OutOfReach("there is no docker on this machine", _NO_ENGINE)
        bounded = ["timeout", "--kill-after=5", str(_LIMIT_SECONDS)] if shutil.which("timeout") else []
        return DockerClient(client_call=[*bounded, "docker"])

    def _arch(self, name: str) -> str:
        """Return the architecture of the image that the engine has under a name, "" when it has none."""
        from python_on_whales.exceptions import NoSuchImage

        try:
            return self._client.image.inspect(name).architecture
        except NoSuchImage:
            return ""

    def _pull(self, need: Need) -> None:
        host = host_of(need.name)
        if host in self._lost:
            raise self._lost[host]
        self._client.image.pull(need.name, quiet=True, platform=f"linux/{need.arch}")

    def _meaning(self, error: Any, need: Need) -> Exception:
        """Return what an error of the engine means for the one who asked."""
        said = " ".join((error.stderr or "").split()).removeprefix("Error response from daemon: ")
        host = host_of(need.name)
        if _DOWN.search(said):
            return OutOfReach(f"the Docker engine does not answer: {said}", _NO_ENGINE)
        if _DENIED.search(said):
            return OutOfReach(f"{host} does not let Docker in: {said}", f"Log in and run it again: docker login {host}")
        if _NOT_THERE.search(said) and "lookup" not in said:
            return Absent(f"{host}: {said}")
        if error.return_code in _ENDED:
            said = f"no end after {_LIMIT_SECONDS} s"
        hint = f"Look at the network, set a mirror or proxy for Docker ({host}), or bring the image with --from."
        self._lost[host] = OutOfReach(f"the registry {host} cannot be reached: {said}", hint)
        return self._lost[host]
