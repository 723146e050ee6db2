"""One look at a chain: everything is asked at once, under one deadline, and whatever hangs is named by its link.

Owns: where each thing is asked, and its share of the time. Changes nothing: one message goes over the bus, and one
canary frame over the whole way. Must not judge.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from edgectl.node.converge.protocol import LookFailed, Observation, Status
from edgectl.node.gpu.proven import count, marked
from edgectl.node.io.api import Denied
from edgectl.node.io.look import Look
from edgectl.node.vision.chain import dependency, mqtt
from edgectl.node.vision.chain.declared import Declared, kept
from edgectl.node.vision.chain.fetched import Unheard, fetch
from edgectl.node.vision.chain.heard import crossing, status
from edgectl.node.vision.chain.line import Job, Late, Line, beside
from edgectl.node.vision.chain.links import BUS, CAMERA
from edgectl.node.vision.chain.pods import why_silent
from edgectl.node.vision.chain.said import Asked, Heard, Said
from edgectl.node.vision.question import body, is_beside, judge, known, path
from edgectl.wire.chain import CONFIG, DEGRADED, MODEL, NETWORK, NOT_READY, READY, RESOURCE, Crossing, Endpoint
from edgectl.wire.chainlook import MISSING, SAYS, SILENT
from edgectl.wire.payload import Gpu, Inference

LIMIT_SECONDS = 5.0  # of all of it
_API_SECONDS = 1.5
_STATUS_SECONDS = 2.0
_MOST_SECONDS = 4.0  # of one dependency
_RESERVE_SECONDS = 0.5  # for what Kubernetes knows of silent pods
_MARGIN_SECONDS = 0.2  # the camera's answer is on its way
_TRIES = 3  # of the known question, while a candidate answers a part of all requests
_OK, _NOT_FOUND = 200, 404
Json = dict[str, Any]


def ask(look: Look, declared: Declared, *, monotonic: Callable[[], float] = time.monotonic) -> Asked:
    """Ask everything once. LookFailed when the Kubernetes API does not say where the services are."""
    return _Asking(look, declared, monotonic).run()


class _Asking:
    def __init__(self, look: Look, declared: Declared, monotonic: Callable[[], float]) -> None:
        self._look, self._declared, self._chain = look, declared, declared.chain
        self._monotonic = monotonic
        self._until = monotonic() + LIMIT_SECONDS
        self._services: dict[str, Json] = {}
        self._pods: dict[str, Json] | None = None

    def run(self) -> Asked:
        self._services = self._list("services")
        chain, declared = self._chain, self._declared
        left = self._until - _RESERVE_SECONDS - self._monotonic()
        jobs = {name: (min(most, left), job) for name, (most, job) in self._jobs().items()}
        came = beside(jobs, monotonic=self._monotonic)
        heard = self._with_reasons(
            {name: self._heard(came[f"status {name}"]) for name in chain.services if name != BUS}
        )
        return Asked(
            gpu=_said(came["gpu"], "the GPUs cannot be looked at") if "gpu" in came else None,
            model=kept(self._look.places, declared.models),
            golden=_said(came["golden"]) if "golden" in came else None,
            services=heard,
            bus=self._explained(chain.services[BUS].service, _said(came["bus"])) if "bus" in came else None,
            canary=found if isinstance(found := came.get("canary"), Crossing) else None,
            no_canary=None if found is None or isinstance(found, Crossing) else _no_canary(found),
            dependencies={one.name: _said(came[f"own {one.name}"]) for one in chain.dependencies},
        )

    def _jobs(self) -> dict[str, tuple[float, Job]]:
        """Return what is asked beside each other, each with the most time that it may take."""
        chain, declared = self._chain, self._declared
        jobs: dict[str, tuple[float, Job]] = {}
        for name, at in chain.services.items():
            job = partial(self._bus, at=at) if name == BUS else partial(self._status, at=at)
            jobs["bus" if name == BUS else f"status {name}"] = (_STATUS_SECONDS, job)
        if CAMERA in chain.services:
            jobs["canary"] = (chain.canary_seconds + _MARGIN_SECONDS, self._canary)
        if declared.question is not None:
            jobs["golden"] = (_STATUS_SECONDS, self._golden_of(declared.question))
        if declared.gpu is not None:
            jobs["gpu"] = (_STATUS_SECONDS, partial(self._gpu, gpu=declared.gpu))
        for one in chain.dependencies:
            seconds = min(one.timeout_seconds, _MOST_SECONDS)
            jobs[f"own {one.name}"] = (seconds, partial(dependency.ask, asked=one, resolve=self._resolve))
        return jobs

    def _list(self, plural: str) -> dict[str, Json]:
        """Return the namespace's objects by name; LookFailed when the API does not tell in time."""
        left = self._until - self._monotonic()
        seconds = max(min(_API_SECONDS, left), 0.1)
        path = f"/api/v1/namespaces/{self._chain.namespace}/{plural}"

        def job(line: Line) -> Any:
            del line
            api = self._look.api.apart(seconds)
            try:
                return api.get(path)
            except (LookFailed, Denied) as error:
                return error
            finally:
                api.close()

        found = beside({"api": (seconds, job)}, monotonic=self._monotonic)["api"]
        if isinstance(found, Late):
            raise LookFailed(f"the Kubernetes API does not answer: {found.why or 'no answer in time'}")
        if isinstance(found, LookFailed):
            raise found
        if isinstance(found, Denied):
            raise LookFailed(f"the Kubernetes API refuses to tell: {found.message}")
        return {str(item["metadata"]["name"]): item for item in (found or {}).get("items") or ()}

    def _address(self, service: str) -> str:
        found = self._services.get(service)
        if found is None:
            raise Unheard(f"there is no Service {self._chain.namespace}/{service}", RESOURCE)
        address = str((found.get("spec") or {}).get("clusterIP") or "")
        if address in {"", "None"}:
            raise Unheard(f"the Service {service} has no address of its own (clusterIP)", CONFIG)
        return f"[{address}]" if ":" in address else address

    def _status(self, line: Line, at: Endpoint) -> Heard:
        try:
            found = fetch(line, f"http://{self._address(at.service)}:{at.port}/status")
            if found.status != _OK:
                return Heard(None, Said(NOT_READY, f"answers HTTP {found.status} at /status", CONFIG))
            return Heard(status(found.body))
        except Unheard as no:
            return Heard(None, self._unheard(at.service, no))
        except ValueError as error:
            return Heard(None, Said(NOT_READY, f"its /status cannot be read: {error}", CONFIG))

    def _unheard(self, service: str, no: Unheard) -> Said:
        how = MISSING if service not in self._services else SILENT if no.silent else SAYS
        return Said(NOT_READY, no.reason, no.kind, how)

    def _bus(self, line: Line, at: Endpoint) -> Said:
        try:
            mqtt.returned(line, self._address(at.service).strip("[]"), at.port, dependency.TOPIC)
        except mqtt.Unknown:  # a password is the services' own: whether they come through, they and canary frames say
            return Said(READY, "it is there, and wants a password that the node does not have")
        except Unheard as no:
            return self._unheard(at.service, no)
        return Said(READY, "a message comes back")

    def _canary(self, line: Line) -> Crossing | Said | None:
        at = self._chain.services[CAMERA]
        body = json.dumps({"wait_seconds": max(self._chain.canary_seconds - _MARGIN_SECONDS, 0.1)}).encode()
        try:
            found = fetch(line, f"http://{self._address(at.service)}:{at.port}/canary", body=body)
            if found.status == _NOT_FOUND:  # a camera service of somebody's own, which sends none
                return None
            if found.status != _OK:
                return Said(DEGRADED, f"sends no canary frame: HTTP {found.status}", NETWORK)
            return crossing(found.body)
        except Unheard as no:
            return Said(DEGRADED, f"sends no canary frame: {no.reason}", NETWORK)
        except ValueError as error:
            return Said(DEGRADED, f"its canary frame's answer cannot be read: {error}", CONFIG)

    def _golden_of(self, asked: Inference) -> Job:
        """Return the known question: that of the version that `current` names, where the registry holds it."""
        want, version = asked, ""
        with suppress(LookFailed):  # the registry's own fault is told of the link `model`
            want, version = known(self._look, asked)
        return partial(self._golden, want=want, version=version)

    def _golden(self, line: Line, want: Inference, version: str) -> Said:
        for _ in range(_TRIES):
            try:
                found = fetch(line, f"http://{self._address(want.service)}:{want.port}{path(want)}", body=body(want))
            except Unheard as no:
                return self._unheard(want.service, no)
            if found.status != _OK:
                return Said(NOT_READY, f"answers HTTP {found.status} to the known question", NETWORK)
            text = found.body.decode(errors="replace")
            if not is_beside(text):
                return _judged(judge(text, want, version))
        return Said(READY, "a candidate answers")

    def _gpu(self, _: Line, gpu: Gpu) -> Said:
        near = copy.copy(self._look)
        near.api = self._look.api.apart(_API_SECONDS)  # this job may outlast the look
        try:
            seen = count(near, gpu, self._declared.node)
        finally:
            near.api.close()
        if not seen.enough:
            return Said(NOT_READY, seen.short or "; ".join(seen.dead()) or "not proven in this boot", RESOURCE)
        if not marked(near):
            return Said(NOT_READY, "its proof of this boot is not there: inference waits", RESOURCE)
        if seen.missing:
            return Said(DEGRADED, seen.missing, RESOURCE)
        return Said(READY, seen.proven_text if seen.by_cuda else seen.allocatable_text)

    def _resolve(self, host: str) -> str:
        """Return where a host is asked: NAME.NAMESPACE.svc is a Service of the store's own cluster."""
        name, namespace, *rest = f"{host}..".split(".")
        if rest[:1] != ["svc"]:
            return host
        api = self._look.api.apart(_API_SECONDS)
        try:
            found = api.get(f"/api/v1/namespaces/{namespace}/services/{name}")
        except (LookFailed, Denied) as error:
            raise Unheard(f"where {host} is, the Kubernetes API does not tell") from error
        finally:
            api.close()
        address = str(((found or {}).get("spec") or {}).get("clusterIP") or "")
        if address in {"", "None"}:
            raise Unheard(f"there is no Service {namespace}/{name} with an address of its own", RESOURCE)
        return address

    @staticmethod
    def _heard(came: Any) -> Heard:
        return came if isinstance(came, Heard) else Heard(None, _said(came))

    def _with_reasons(self, heard: dict[str, Heard]) -> dict[str, Heard]:
        """Return what was heard, and of silent services what Kubernetes knows of their pods."""
        return {
            name: one
            if one.status is not None
            else Heard(None, self._explained(self._chain.services[name].service, one.fault))
            for name, one in heard.items()
        }

    def _explained(self, service: str, said: Said) -> Said:
        if said.how != SILENT or service not in self._services:
            return said
        try:
            self._pods = self._list("pods") if self._pods is None else self._pods
        except LookFailed:
            return said
        why = why_silent(self._services[service], self._pods.values())
        return Said(said.word, why or said.reason, RESOURCE if why else said.kind, said.how)


def _said(came: Any, what: str = "") -> Said:
    """Return a job's word; one that did not end in time is silent."""
    if isinstance(came, Said):
        return came
    why = came.why if isinstance(came, Late) and came.why else "no answer in time"
    return Said(NOT_READY, f"{what}: {why}" if what else why, NETWORK, SILENT)


def _judged(seen: Observation) -> Said:
    if seen.status is Status.CURRENT:
        return Said(READY, "answers as known")
    if seen.status is Status.IN_PROGRESS:  # another version serves on: it may be about to be switched
        return Said(DEGRADED, seen.reason, RESOURCE)
    return Said(NOT_READY, seen.reason, MODEL)


def _no_canary(came: Any) -> Said:
    if isinstance(came, Said):
        return came
    return Said(DEGRADED, "says nothing about its canary frame in time", NETWORK)
