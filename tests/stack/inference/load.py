"""Clients that ask as fast as they are answered, and what they saw."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgectl.stack.inference.client import Client, Unanswered


@dataclass
class Seen:
    """Of all clients: when each answer came, how long it took, which version gave it, and what was no answer."""

    answers: list[tuple[float, float, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def seconds(self, start: float = 0.0, end: float = float("inf")) -> list[float]:
        """Return how long answers of a time took, the fastest first."""
        return sorted(took for at, took, _ in self.answers if start <= at < end)


class Load:
    """`clients` threads; use it as a context: they ask until its end."""

    def __init__(
        self, url: str, model: str, image: NDArray[np.float32], *, clients: int = 8, scales: bool = False
    ) -> None:
        self._url, self._model, self._image, self._clients, self._scales = url, model, image, clients, scales
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._asking: list[Future[None]] = []
        self.seen = Seen()

    def __enter__(self) -> Seen:
        self._asking = [self._pool.submit(self._ask, number) for number in range(self._clients)]
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for one in self._asking:
            one.result()

    def _ask(self, number: int) -> None:
        client = Client(self._url)
        # Each asks its own question: with a model that scales, an answer tells whose it is.
        image = (self._image * np.float32(number + 1)) if self._scales else self._image
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                answer, said = client.infer(image, model=self._model, deadline_seconds=10)
            except Unanswered as no:
                self.seen.wrong.append(str(no))
                continue
            now = time.monotonic()
            self.seen.answers.append((now, now - began, str(said["version"])))
            if self._scales and not np.allclose(answer, image * float(said["version"])):
                self.seen.wrong.append(f"client {number} was given another answer by {said['version']}")
        client.close()
