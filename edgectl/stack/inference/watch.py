"""Follows the registry: loads what its links name beside what runs, and switches when it is warm.

Owns: which version runs, which candidate is tried, which old one stays warm, what was refused and when it is tried
again. At most two versions and a candidate are in memory. Must not know how a question is answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edgectl.stack.inference.attempts import MOST, Attempts
from edgectl.stack.inference.lane import Lane
from edgectl.stack.inference.loaded import Loaded, Place
from edgectl.stack.inference.metrics import Metrics
from edgectl.stack.inference.registry import Registry, Stamp, is_kept, stamp
from edgectl.stack.inference.rollout import BLUE_GREEN, FAILED, LOADING, PASSED, Plan, Trial
from edgectl.stack.inference.serve import Service
from edgectl.stack.inference.versions import MEMORY, Terms, Unfit, load
from edgectl.stack.ops.clock import Clock
from edgectl.wire.chain import CONFIG

EVERY_SECONDS = 1.0  # real ones: a link moves when a person or the node's engine moves it


class Hopeless(Exception):
    """There is no model, and none will come."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A version that is not served. It is not tried again until the link names another one, or its files change."""

    place: Place
    stamp: Stamp
    word: str
    sentence: str


class Watch:
    """One thread calls `tick`; what it says is read by others."""

    def __init__(
        self,
        registry: Registry,
        service: Service,
        *,
        clock: Clock,
        terms: Terms,
        metrics: Metrics | None = None,
        attempts: Attempts | None = None,
        say: Callable[[str], None],
        began: float | None = None,
    ) -> None:
        self._registry, self._service, self._clock, self._terms, self._say = registry, service, clock, terms, say
        self._metrics, self._attempts = metrics or Metrics(), attempts or Attempts(None)
        self._began = time.monotonic() if began is None else began
        self._failed: dict[str, str] = {}
        self._shown: set[tuple[str, str, str]] = set()
        self._spare: tuple[Loaded, float] | None = None
        self.refused: Refused | None = None
        self.amiss = ""  # why the registry, or the rollout, cannot be read
        self.trial: Trial | None = None

    @property
    def loaded(self) -> tuple[tuple[str, Loaded], ...]:
        """Return what is in memory, with its role."""
        stage = self._service.stage
        found = [("current", stage.current), ("candidate", stage.lane.candidate if stage.lane else None)]
        found.append(("spare", self._spare[0] if self._spare else None))
        return tuple((role, version) for role, version in found if version is not None)

    def tick(self) -> None:
        """Look once, and do what follows."""
        self.amiss = ""
        if self._spare is not None and self._clock.monotonic() >= self._spare[1]:
            self._spare = None
        try:
            self._follow(self._registry.current())
        except OSError as error:
            self._lost(str(error))
        except ValueError as error:
            if self._service.stage.current is None:
                raise Hopeless(str(error)) from error
            self._lost(str(error))
        if self._service.stage.current is not None:
            self._try_out()
        if self.trial is not None:
            self._metrics.agreement.set(self.trial.facts()["agreement"])
        self._show()

    def _show(self) -> None:
        now = {(version.name, version.version, role) for role, version in self.loaded}
        for labels in self._shown - now:
            self._metrics.loaded.remove(*labels)
        for labels in now:
            self._metrics.loaded.labels(*labels).set(1)
        self._shown = now

    def _lost(self, sentence: str) -> None:
        self.amiss = sentence
        if self._service.stage.current is None:
            self._service.distrust(sentence, CONFIG)

    def _follow(self, place: Place) -> None:
        """Let what `current` names run."""
        stage = self._service.stage
        if stage.current is not None and stage.current.place == place:
            self.refused = None
            return
        if self.refused is not None and (self.refused.place, self.refused.stamp) == (place, stamp(place)):
            return
        warm = self._warm(place)
        if warm is None:
            seen = stamp(place)
            self._spare = None
            try:
                warm = self._load(place, like=stage.current)
            except Unfit as unfit:
                self._refuse(Refused(place, seen, unfit.word, str(unfit)))
                return
        self.refused = None
        self._switch(warm)

    def _warm(self, place: Place) -> Loaded | None:
        """Return a version that is loaded already."""
        return next((version for _, version in self.loaded if version.place == place), None)

    def _load(self, place: Place, *, like: Loaded | None) -> Loaded:
        beside = [version for _, version in self.loaded]
        if not is_kept(place):  # an image has no other one
            return load(place, self._terms, beside=beside, like=like, usual=self._service.usual())
        if self._attempts.deadly(place.folder):
            raise Unfit(MEMORY, f"the service has ended {MOST} times while it was loaded: is there memory for it?")
        with self._attempts.noted(place.folder):
            return load(place, self._terms, beside=beside, like=like, usual=self._service.usual())

    def _switch(self, new: Loaded) -> None:
        stage = self._service.stage
        old, lane, spare = stage.current, stage.lane, None
        if lane is not None and lane.candidate is new:
            self._service.use(new)
            self._drop_lane()
            if lane.trial.word != PASSED:
                lane.trial.passed("it was made current")
            plan = lane.trial.plan
            if old is not None and plan.strategy == BLUE_GREEN:
                spare = (old, self._clock.monotonic() + plan.soak_seconds)
        else:
            self._service.use(new)
            if self.trial is not None:
                self.trial.restart()
        self._spare = spare
        if old is None:
            took = time.monotonic() - self._began
            self._say(f"ready: {new.name} version {new.version} on {new.provider} after {took:.1f} s")
            return
        self._metrics.switches.inc()
        self._say(f"switched: {new.name} from version {old.version} to {new.version} on {new.provider}")

    def _refuse(self, refused: Refused) -> None:
        """Go on with what runs; where nothing does, with what ran before."""
        self.refused = refused
        self._say(f"refused: {refused.place.name} version {refused.place.version}: {refused.sentence}")
        if self._service.stage.current is not None:
            return
        sentence = f"{refused.place.name} {refused.place.version} cannot be served: {refused.sentence}"
        self._service.distrust(sentence)
        if not is_kept(refused.place):
            raise Hopeless(refused.sentence)  # an image never changes
        try:
            before = self._registry.previous()
            if before is not None and before != refused.place:
                self._switch(self._load(before, like=None))
        except (Unfit, OSError, ValueError) as error:
            self._service.distrust(f"{sentence}; nor can the version before it: {error}")

    def _try_out(self) -> None:
        """Do as rollout.json says."""
        try:
            plan = self._registry.plan()
        except (OSError, ValueError) as error:
            self.amiss = f"the rollout cannot be read: {error}"
            return
        if plan is None:
            self._drop_lane()
            self.trial = None
            return
        if self.trial is None or self.trial.plan != plan:
            self._drop_lane()
            self.trial = Trial(plan, self._clock)
            if plan.id in self._failed:
                self.trial.fail(self._failed[plan.id])
        trial, lane = self.trial, self._service.stage.lane
        if trial.word == LOADING:
            self._begin(trial, plan)
        elif lane is not None:
            lane.watch()
            trial.tick()
        if trial.word == FAILED:
            if plan.id not in self._failed:
                self._say(f"rollout {plan.id}: version {plan.version} failed: {trial.reason}")
                self._failed[plan.id] = trial.reason
            self._drop_lane()

    def _begin(self, trial: Trial, plan: Plan) -> None:
        current = self._service.stage.current
        if current is not None and current.place.folder == plan.candidate:
            trial.passed("it runs already")
            return
        self._spare = None
        try:
            candidate = self._load(self._registry.at(plan.candidate), like=current)
        except (Unfit, OSError, ValueError) as error:
            trial.fail(str(error))
            return
        trial.start()
        self._service.try_out(Lane(candidate, trial, told=self._told))
        self._say(f"rollout {plan.id}: {plan.strategy} of version {plan.version} begins on {candidate.provider}")

    def _told(self, sentence: str) -> None:
        self._metrics.candidate_errors.inc()
        self._say(f"the candidate failed a question: {sentence}")

    def _drop_lane(self) -> None:
        lane = self._service.stage.lane
        if lane is not None:
            self._service.try_out(None)
            lane.close()
