"""What an inventory may say of a store's chain: which links it cannot sell without, how fast, what else it needs.

Owns keys and types. What must agree with what is chained.py's; which services there are, payload/chain.py's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from edgectl.control.inventory.section import Label, Line, Section, Word

LINKS = ("gpu", "model", "inference", "camera", "bus", "uplink", "sink", "drift")
LinkName = Literal["gpu", "model", "inference", "camera", "bus", "uplink", "sink", "drift"]
HostPort = Annotated[Word, StringConstraints(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$")]
Topic = Annotated[Word, StringConstraints(pattern=r"^[^+#]+$")]


def _absolute(command: list[str]) -> list[str]:
    if command and not command[0].startswith("/"):
        raise ValueError(f'the whole path of a program on the node is needed, not "{command[0]}"')
    return command


class Dependency(Section):
    """Something else that the store needs; the node asks it: one of http, tcp, mqtt, exec (docs/chain.md)."""

    http: Line | None = Field(default=None, description="https://..., or http://NAME.NAMESPACE.svc:PORT/PATH.")
    expect: Annotated[int, Field(ge=100, le=599)] | None = Field(
        default=None, description="http: the status that is well; 200 when not given."
    )
    tcp: HostPort | None = Field(default=None, description="HOST:PORT that takes connections.")
    mqtt: HostPort | None = Field(default=None, description="HOST:PORT of a broker: a message must come back.")
    topic: Topic | None = Field(default=None, description="mqtt: where; edgectl/chain when not given.")
    exec: Annotated[list[Line], Field(min_length=1), AfterValidator(_absolute)] | None = Field(
        default=None, description="A program on the node, by its whole path; run as nobody. Exit 0 is well."
    )
    required: bool = Field(default=False, description="true: without it the store is not ready; else it is degraded.")
    after: Label | None = Field(
        default=None, description="A link or dependency that it rests on: broken there, this one is not asked."
    )
    timeout: Annotated[float, Field(gt=0, le=4)] = Field(default=2.0, description="Seconds.")


class Chain(Section):
    """The chain that is proven at the end of a deploy and watched: docs/chain.md."""

    enabled: bool = Field(default=True, description="false: no chain is looked at.")
    release: Label | None = Field(
        default=None, description="The release whose Services make the chain; the one with `camera` when not given."
    )
    canary_ms: Annotated[float, Field(gt=0, le=60000)] = Field(
        default=500.0, description="A canary frame may take so long from camera to sink, in milliseconds."
    )
    required: list[LinkName] | None = Field(
        default=None, description="Links without which the store is not ready: gpu, model, inference, camera, bus."
    )
    dependencies: dict[Label, Dependency | None] = Field(default={}, description="null: not in this store.")
