"""What the watchdog does next: from one look and what it has done before, the next rung. Pure.

Owns patience (how long something may lack), budgets (how often a remedy is tried) and the order of remedies: delete
dead pods, prove, restart the plugin, withdraw a GPU's proof and delete its pods, hold. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgectl.node.watch.facts import Facts, Pod

HOUR, DAY = 3600.0, 86400.0
BLINK_SECONDS = 15.0  # a plugin or a kubelet that restarts is back within it
DOUBT_SECONDS = 6.0  # then a smoke tells whether it is the GPU or its plugin
LESS_SECONDS = 60.0  # what still serves, with less, has more time
LOST_SECONDS = 30.0  # after its plugin was restarted, a GPU that is still not offered is lost
IMAGE_SECONDS = 3.0  # the kubelet has asked, and was told that there is none
HEAL_SECONDS = 10.0  # the engine's run is over by then, or holds the lock
CRASHES = 2  # that are seen, before the GPU is asked


@dataclass(frozen=True)
class Budget:
    """How often within an hour (or a day), and the pause after the first time; it doubles up to the longest."""

    most: int
    first_seconds: float
    longest_seconds: float = 600.0
    within_seconds: float = HOUR


BUDGETS = {
    "bury": Budget(1000, 2.0, 30.0),  # its controller has replaced it: leaving it there helps nobody
    "prove": Budget(1000, 2.0, 10.0),
    "try again": Budget(20, 5.0, 300.0),
    "restart plugin": Budget(4, 45.0),
    "restart plugin for more": Budget(2, 60.0, within_seconds=DAY),  # others serve, and lose their offer for seconds
    "withdraw marker": Budget(1000, 2.0),
    "check": Budget(12, 10.0, 300.0),
    "withdraw": Budget(6, 10.0),
    "move": Budget(6, 5.0, 300.0),
    "renew": Budget(2, 60.0),
    "heal": Budget(6, 60.0),
    "pull again": Budget(12, 5.0, 300.0),
}
_RECENT = 600.0  # after so long without, a pause begins small again


@dataclass(frozen=True)
class Deed:
    """One remedy: its word (a key of BUDGETS), what it is done to, and why."""

    word: str
    what: str
    why: str
    pods: tuple[Pod, ...] = ()

    @property
    def key(self) -> str:
        """Return what its budget is counted by."""
        return f"{self.word}: {self.what}" if self.what else self.word


@dataclass(frozen=True)
class Memory:
    """What the watchdog remembers within one boot: since when something lacks, what it did when, what it holds."""

    since: dict[str, float] = field(default_factory=dict)
    done: dict[str, tuple[float, ...]] = field(default_factory=dict)
    crashed: dict[str, tuple[float, ...]] = field(default_factory=dict)  # pod UID -> restarts when first seen, and when
    counts: dict[str, int] = field(default_factory=dict)  # how often each remedy was used in this boot
    held: str = ""

    def seeing(self, facts: Facts, now: float) -> Memory:
        """Return the memory after a look: what is gone is forgotten, what is new begins now."""
        since = {name: self.since.get(name, now) for name in ailments(facts)}
        if facts.plugin != "answers":  # a plugin that restarts says nothing: what was lost before is not found by that
            since |= {name: at for name, at in self.since.items() if name.startswith("lost ")}
        crashed = {}
        for pod in facts.pods:
            first = self.crashed.get(pod.uid)
            if first is not None and now - first[1] < _RECENT:
                crashed[pod.uid] = first
            elif pod.uses_gpu and pod.crashes >= 0:
                crashed[pod.uid] = (float(pod.crashes), now)
        return replace(self, since=since, crashed=crashed)

    def crash_loops_since(self, pod: Pod) -> float | None:
        """Return since when a pod's containers crash again and again; None when they do not."""
        first = self.crashed.get(pod.uid)
        return first[1] if first and pod.crashes - first[0] >= CRASHES else None

    def having_done(self, deed: Deed, now: float) -> Memory:
        """Return the memory after a deed."""
        recent = (at for at in self.done.get(deed.key, ()) if now - at < BUDGETS[deed.word].within_seconds)
        counts = {**self.counts, deed.word: self.counts.get(deed.word, 0) + 1}
        return replace(self, done={**self.done, deed.key: (*recent, now)}, counts=counts)

    def wait(self, deed: Deed, now: float) -> float:
        """Return in how many seconds a deed is due; infinity when its budget is spent."""
        budget = BUDGETS[deed.word]
        within = [at for at in self.done.get(deed.key, ()) if now - at < budget.within_seconds]
        if len(within) >= budget.most:
            return float("inf")
        recent = [at for at in within if now - at < _RECENT]
        if not recent:
            return 0.0
        pause = min(budget.first_seconds * 2.0 ** min(len(recent) - 1, 20), budget.longest_seconds)
        return max(recent[-1] + pause - now, 0.0)

    def lasts(self, ailment: str, now: float) -> float:
        """Return for how many seconds something lacks."""
        return now - self.since.get(ailment, now)

    def last(self, word: str) -> float:
        """Return when a remedy was last used, whatever it was used on."""
        return max((at for key, times in self.done.items() if key.startswith(word) for at in times), default=-DAY)


def ailments(facts: Facts) -> tuple[str, ...]:
    """Name what lacks: whatever is named here and there again, lasts."""
    found = []
    if facts.lacks:
        found.append("devices")
        if not facts.driver:
            found.append("devices under a driver")
    if facts.marked and not facts.count.enough:
        found.append("marker")
    if facts.plugin == "silent":
        found.append("silent plugin")
    found += [f"lost {uuid}" for uuid in facts.lost]
    found += [f"image {pod.uid}" for pod in facts.pods if pod.lacks_image]
    return tuple(found)


def climb(memory: Memory, facts: Facts, now: float, *, drifted: str = "") -> tuple[tuple[Deed, ...], Memory]:
    """Return what to do now, and the memory with what is held. `drifted`: what the proof's own step would change."""
    memory = memory.seeing(facts, now)
    wanted = [
        *_bury(facts),
        *_prove(facts, drifted),
        *_plugin(facts, memory, now),
        *_gpus(facts, memory, now),
        *_pods(facts, memory, settled=not drifted),
        *_images(facts, memory, now),
    ]
    due = tuple(deed for deed in wanted if memory.wait(deed, now) == 0.0)
    spent = [deed for deed in wanted if memory.wait(deed, now) == float("inf")]
    held = "; ".join(f"{deed.why} ({deed.word}: {_spent(BUDGETS[deed.word])})" for deed in spent)
    return due, replace(memory, held=held)


def _bury(facts: Facts) -> list[Deed]:
    dead = tuple(pod for pod in facts.pods if pod.dead)
    if not dead:
        return []
    reasons = ", ".join(sorted({pod.dead for pod in dead}))
    return [Deed("bury", "", f"{len(dead)} left dead: {reasons}", dead)]


def _prove(facts: Facts, drifted: str) -> list[Deed]:
    if facts.driver:
        return []  # nothing below the plugin answers: trying costs time, and shows nothing
    if drifted:
        return [Deed("prove", "", drifted)]
    failed = {device.uuid: device.reason for device in facts.count.proof.devices if device.tries and not device.ok}
    return [Deed("try again", uuid, f"{uuid} {failed[uuid]}") for uuid in sorted(facts.count.unproven & failed.keys())]


def _plugin(facts: Facts, memory: Memory, now: float) -> list[Deed]:
    """Restart the plugin when devices stay away though the driver is there, or when it has stopped speaking."""
    if not facts.plugins or facts.driver:
        return []
    silent = memory.lasts("silent plugin", now) > 0
    patience = LESS_SECONDS if not facts.count.short else BLINK_SECONDS
    if not silent and (not facts.lacks or memory.lasts("devices under a driver", now) < patience):
        return []
    why = "the device plugin takes connections and says nothing" if silent else facts.count.missing or facts.count.short
    if silent or facts.count.short:
        return [Deed("restart plugin", "", why, facts.plugins)]
    return [Deed("restart plugin for more", facts.count.missing, why, facts.plugins)]


def _gpus(facts: Facts, memory: Memory, now: float) -> list[Deed]:
    """Ask a GPU that is offered no more; what does not come back with its plugin is given up."""
    doubted = () if facts.driver else facts.count.proof.doubted()
    found = [Deed("check", uuid, f"the last smoke of {uuid} did not end well", _on(facts, uuid)) for uuid in doubted]
    for uuid in () if facts.driver else facts.lost:
        since = memory.since.get(f"lost {uuid}", now)
        why = f"{uuid} was proven in this boot, and the device plugin does not offer it any more"
        restarted = memory.last("restart plugin")
        spent = memory.wait(Deed("restart plugin", "", ""), now) == float("inf")
        after = max(since, restarted)
        if now - after >= LOST_SECONDS and (restarted > since or spent):
            found.append(Deed("withdraw", uuid, why, _on(facts, uuid)))
        elif now - since >= DOUBT_SECONDS:
            found.append(Deed("check", uuid, why, _on(facts, uuid)))
    if facts.marked and not facts.count.enough and memory.lasts("marker", now) >= BLINK_SECONDS:
        found.append(Deed("withdraw marker", "", facts.count.short or "; ".join(facts.count.dead())))
    return found


def _pods(facts: Facts, memory: Memory, *, settled: bool) -> list[Deed]:
    """Move pods off GPUs without proof; renew those that crash on a GPU that computes."""
    found = []
    for pod in facts.pods:
        if not pod.uses_gpu or pod.dead:
            continue
        on = facts.count.gpus_of(pod.uid)
        if facts.marked and settled and (bad := on & facts.count.unproven):
            found.append(Deed("move", "", f"{pod} was given {', '.join(sorted(bad))}, which has no proof", (pod,)))
            continue
        began = memory.crash_loops_since(pod)
        if began is None or not facts.marked or on & set(facts.count.proof.doubted()):
            continue
        why = f"{pod} crash-loops on {', '.join(sorted(on)) or 'its GPU'}"
        unchecked = [uuid for uuid in sorted(on) if memory.last(f"check: {uuid}") < began]
        found += [Deed("check", uuid, why, (pod,)) for uuid in unchecked]
        if not unchecked:
            found.append(Deed("renew", pod.name.rpartition("-")[0], f"{why}, which computes", (pod,)))
    return found


def _images(facts: Facts, memory: Memory, now: float) -> list[Deed]:
    """Let the engine bring back an image that is gone; then cut the kubelet's back-off (minutes) short."""
    found = []
    for pod in facts.pods:
        if not pod.lacks_image or memory.lasts(f"image {pod.uid}", now) < IMAGE_SECONDS:
            continue
        why, healed = f"{pod} has no image, which was on this node", memory.last("heal")
        if healed < memory.since[f"image {pod.uid}"]:
            found.append(Deed("heal", "", why))
        elif pod.replaced and now - healed >= HEAL_SECONDS:
            found.append(Deed("pull again", "", why, (pod,)))
    return found


def _spent(budget: Budget) -> str:
    return f"{budget.most} times within the {'hour' if budget.within_seconds == HOUR else 'day'}"


def _on(facts: Facts, uuid: str) -> tuple[Pod, ...]:
    holders = facts.count.pods_on([uuid])
    return tuple(pod for pod in facts.pods if pod.uid in holders)
