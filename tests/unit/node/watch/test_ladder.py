"""What the watchdog does next: patience, budgets, and one rung after the other. Time is a number here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from edgectl.node.gpu.checkpoint import Held
from edgectl.node.gpu.counted import Count
from edgectl.node.gpu.proof import Device, Proof
from edgectl.node.watch.facts import Facts, Pod
from edgectl.node.watch.ladder import BLINK_SECONDS, BUDGETS, HOUR, LESS_SECONDS, LOST_SECONDS, Deed, Memory, climb
from edgectl.wire.payload import Gpu

GPU = "nvidia.com/gpu"
A, B = (f"GPU-5a9dbc01-0000-4000-8000-00000000000{index}" for index in range(2))
PLUGIN = Pod("gpu-system", "plugin-x", "p", plugin=True)
ONE = Pod("vision", "inference-7d9f-abcde", "one", uses_gpu=True, replaced=True)
TICK = 2.0


@dataclass
class Store:
    """A store that stands as it is told, a watchdog that looks at it every two seconds, and a journal of what it did.

    A deed changes what it would change on a node; `heals` are the deeds that help.
    """

    gpu: Gpu = field(default_factory=lambda: Gpu(GPU, 1, 1))
    offered: tuple[str, ...] = (A,)
    proof: tuple[Device, ...] = (Device(A, ok=True, tries=1),)
    marked: bool = True
    pods: tuple[Pod, ...] = (PLUGIN, ONE)
    holders: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"one": (A,)})
    driver: str = ""
    plugin: str = "answers"
    drifted: str = ""
    heals: tuple[str, ...] = ()
    now: float = 1000.0
    memory: Memory = field(default_factory=Memory)
    done: list[tuple[float, str]] = field(default_factory=list)

    def facts(self) -> Facts:
        """Return what a look shows."""
        by_pod = {pod: frozenset(devices) for pod, devices in self.holders.items()}
        held = Held(by_pod, {GPU: frozenset(self.offered)})
        count = Count(self.gpu, Proof("b", self.proof), held, {GPU: len(self.offered)})
        return Facts(count, self.marked, self.pods, driver=self.driver, plugin=self.plugin)

    def watch(self, seconds: float) -> list[str]:
        """Let the watchdog look for so long; return the deeds of this time."""
        began, until = len(self.done), self.now + seconds
        while self.now < until:
            deeds, self.memory = climb(self.memory, self.facts(), self.now, drifted=self.drifted)
            for deed in deeds:
                self.memory = self.memory.having_done(deed, self.now)
                self.done.append((self.now, deed.key))
                self._happens(deed)
            self.now += TICK
        return [key for _, key in self.done[began:]]

    def _happens(self, deed: Deed) -> None:
        if deed.word in {"bury", "move", "renew", "pull again"} and deed.word in self.heals:
            self.pods = tuple(pod for pod in self.pods if pod not in deed.pods)
        if deed.word == "restart plugin" and deed.word in self.heals:
            self.offered, self.plugin = (A,), "answers"
        if deed.word == "withdraw":
            self.proof = tuple(Device(one.uuid) if one.uuid == deed.what else one for one in self.proof)
        if deed.word == "withdraw marker":
            self.marked = False
        if deed.word == "prove" and "prove" in self.heals:
            self.drifted = ""


def test_a_store_that_is_well_is_left_alone() -> None:
    """An hour of looks, no deed, nothing held."""
    store = Store()
    assert store.watch(HOUR) == []
    assert store.memory.held == ""


def test_dead_pods_go_at_once() -> None:
    """The first look that sees one deletes it."""
    dead = Pod("vision", "inference-7d9f-zzzzz", "dead", dead="UnexpectedAdmissionError", uses_gpu=True)
    store = Store(pods=(PLUGIN, ONE, dead), heals=("bury",))
    assert store.watch(60) == ["bury"]
    assert store.done[0][0] == 1000.0


def test_pods_that_die_again_and_again_are_buried_ever_more_slowly() -> None:
    """A plugin that refuses each pod makes a new dead one all the time: no flood of deletions, and never none."""
    dead = Pod("vision", "inference-7d9f-zzzzz", "dead", dead="UnexpectedAdmissionError", uses_gpu=True)
    store = Store(pods=(PLUGIN, dead))
    store.watch(600)
    assert 15 <= len(store.done) <= 40
    assert store.watch(600)


def test_a_drift_of_the_proof_is_proven() -> None:
    """What the proof's own step would change is changed by it: a GPU that came late, a marker that is missing."""
    store = Store(marked=False, drifted="a GPU has not computed in this boot", heals=("prove",))
    assert store.watch(60) == ["prove"]


def test_without_a_driver_nothing_is_tried() -> None:
    """No smoke, no restart of the plugin while what lies below it is not there: it would show nothing."""
    store = Store(offered=(), marked=False, driver="the driver is not loaded yet", drifted="to be tried")
    assert store.watch(600) == []


def test_a_plugin_has_a_moment_to_come_back() -> None:
    """A restart of plugin or kubelet takes devices away for seconds: that is no reason for anything."""
    store = Store(offered=(), plugin="none")
    assert store.watch(BLINK_SECONDS - TICK) == []
    store.offered, store.plugin = (A,), "answers"
    assert store.watch(300) == []


def test_the_plugin_is_restarted_when_devices_stay_away() -> None:
    """After its moment, once; and where that helps, no more."""
    store = Store(offered=(), heals=("restart plugin",))
    keys = store.watch(120)
    assert keys.count("restart plugin") == 1
    assert 1000 + BLINK_SECONDS <= next(at for at, key in store.done if key == "restart plugin") <= 1000 + 25


def test_with_enough_gpus_the_plugin_has_more_time() -> None:
    """What serves is not hurried: a plugin's restart takes the others' devices away for seconds, too."""
    store = Store(Gpu(GPU, 2, 1))
    assert store.watch(LESS_SECONDS - TICK) == []
    assert [key.partition(":")[0] for key in store.watch(2 * TICK)] == ["restart plugin for more"]


def test_one_dead_gpu_does_not_cost_the_others_their_offer_again_and_again() -> None:
    """Enough serve: the plugin is restarted twice for what is missing, and no more that day; for another lack anew."""
    store = Store(Gpu(GPU, 2, 1))
    store.watch(6 * HOUR)
    assert len([key for _, key in store.done if key.startswith("restart plugin")]) == 2
    assert "2 times within the day" in store.memory.held


def test_a_driver_that_comes_late_starts_the_plugins_moment() -> None:
    """A plugin that started without a driver waits for ever: its patience counts from when the driver is there."""
    store = Store(offered=(), proof=(), marked=False, driver="not loaded", heals=("restart plugin",))
    assert store.watch(300) == []
    store.driver = ""
    assert store.watch(BLINK_SECONDS - TICK) == []
    assert store.watch(3 * TICK) == ["restart plugin"]


def test_a_plugin_that_says_nothing_is_restarted_soon() -> None:
    """It takes connections and does not speak: stopped or stuck, and the kubelet does not notice."""
    store = Store(offered=(), plugin="silent", heals=("restart plugin",))
    assert store.watch(10)[0] == "restart plugin"
    assert store.done[0][0] <= 1000 + 2 * TICK


def test_it_cannot_flap() -> None:
    """Devices that stay away: the plugin is restarted four times within the hour, ever more slowly; then it is held."""
    store = Store(offered=())
    store.watch(HOUR)
    times = [at for at, key in store.done if key == "restart plugin"]
    assert len(times) == BUDGETS["restart plugin"].most
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == sorted(gaps)
    assert "restart plugin: 4 times within the hour" in store.memory.held
    assert f"0 of 1 {GPU}" in store.memory.held
    store.watch(HOUR)
    assert len([key for _, key in store.done if key == "restart plugin"]) <= 2 * BUDGETS["restart plugin"].most


def test_a_restart_of_the_watchdog_does_not_give_it_a_new_budget() -> None:
    """What it did is on tmpfs: its memory without what it saw has the same budgets."""
    store = Store(offered=())
    store.watch(HOUR / 2)
    before = len(store.done)
    store.memory = replace(store.memory, since={}, crashed={})
    store.watch(120)
    assert len([key for _, key in store.done[before:] if key == "restart plugin"]) <= 1


def test_a_marker_for_gpus_that_stay_away_is_withdrawn() -> None:
    """Not in its moment; then pods that start must wait."""
    store = Store(offered=())
    assert "withdraw marker" not in store.watch(BLINK_SECONDS - TICK)
    assert "withdraw marker" in store.watch(3 * TICK)


def test_a_lost_gpu_is_asked_and_then_given_up_with_its_pods() -> None:
    """Its living plugin does not offer it any more: asked by a smoke, its plugin restarted, then proof and pods go."""
    other = Pod("vision", "inference-7d9f-other", "two", uses_gpu=True)
    store = Store(
        Gpu(GPU, 2, 1),
        proof=(Device(A, ok=True, tries=1), Device(B, ok=True, tries=1)),
        pods=(PLUGIN, ONE, other),
        holders={"one": (A,), "two": (B,)},
    )
    keys = store.watch(LESS_SECONDS + LOST_SECONDS + 10)
    words = list(dict.fromkeys(key if key.endswith(B) else key.partition(":")[0] for key in keys))
    assert words == [f"check: {B}", "restart plugin for more", f"withdraw: {B}"]
    withdrawn = climb(Memory(done={"restart plugin": (5.0,)}, since={f"lost {B}": 1.0}), replace_proof(store), 100.0)[0]
    assert [deed.pods for deed in withdrawn if deed.word == "withdraw"] == [(other,)]


def replace_proof(store: Store) -> Facts:
    """Return the store's look with both GPUs proven, as before the withdrawal."""
    store.proof = (Device(A, ok=True, tries=1), Device(B, ok=True, tries=1))
    return store.facts()


def test_a_plugin_that_restarts_does_not_find_a_lost_gpu() -> None:
    """While it is away nothing is known: the time since the loss goes on, and the GPU is given up after it."""
    store = Store(heals=(), offered=())
    for _ in range(60):
        before = len(store.done)
        store.watch(TICK)
        if any(key == "restart plugin" for _, key in store.done[before:]):
            store.plugin = "none"
            store.watch(6)
            store.plugin = "answers"
        if f"withdraw: {A}" in [key for _, key in store.done]:
            break
    words = [key for _, key in store.done]
    assert words.count("restart plugin") <= 2
    assert f"withdraw: {A}" in words


def test_a_spent_budget_is_no_reason_to_hurry() -> None:
    """Restarts of an hour ago, and one look without devices: nothing is given up at first sight."""
    store = Store(memory=Memory(done={"restart plugin": (100.0, 200.0, 300.0, 400.0)}))
    store.offered = ()
    assert not any(key.startswith("withdraw:") for key in store.watch(LOST_SECONDS - TICK))
    assert any(key.startswith("withdraw:") for key in store.watch(3 * TICK))


def test_a_gpu_that_is_about_to_be_proven_is_no_reason_to_move_a_pod() -> None:
    """It is offered anew, and the proof's step has it to do: pods on it wait for that, and are not deleted."""
    store = Store(
        Gpu(GPU, 2, 1),
        (A, B),
        (Device(A, ok=True, tries=1), Device(B)),
        pods=(PLUGIN, replace(ONE, uid="two")),
        holders={"two": (B,)},
        drifted="a GPU has not computed in this boot",
    )
    assert set(store.watch(60)) == {"prove"}


def test_a_plugin_that_is_gone_loses_no_gpu() -> None:
    """With no plugin that speaks, nothing is known about a GPU: running pods are left in peace."""
    store = Store(offered=(), plugin="none", pods=(ONE,))
    assert {key.split()[0] for key in store.watch(HOUR)} == {"withdraw"}  # the marker, no GPU and no pod
    assert all(key == "withdraw marker" for _, key in store.done)


def test_a_gpu_that_failed_its_smoke_is_tried_again_ever_more_slowly() -> None:
    """It may have been late: soon at first, then every five minutes."""
    store = Store(Gpu(GPU, 2, 1), (A, B), (Device(A, ok=True, tries=1), Device(B, reason="error 999", tries=1)))
    keys = store.watch(600)
    assert set(keys) == {f"try again: {B}"}
    assert 5 <= len(keys) <= 10


def test_a_pod_on_a_gpu_without_proof_is_moved() -> None:
    """It waits for a word that would never come: deleted, so that it is given another GPU; not for ever."""
    stuck = Pod("vision", "inference-7d9f-stuck", "two", uses_gpu=True)
    store = Store(
        Gpu(GPU, 2, 1),
        (A, B),
        (Device(A, ok=True, tries=1), Device(B, never=True, reason="wrong", tries=1)),
        pods=(PLUGIN, stuck),
        holders={"two": (B,)},
    )
    keys = [key for key in store.watch(HOUR) if key == "move"]
    assert len(keys) == BUDGETS["move"].most
    assert "has no proof" in store.memory.held


def test_inference_that_crash_loops_has_its_gpu_asked_first() -> None:
    """After a driver reset containers crash on stale devices; the GPU computes: the pod is renewed, twice at most."""
    store = Store(pods=(PLUGIN, replace(ONE, crashes=3)))
    assert store.watch(10) == []
    store.pods = (PLUGIN, replace(ONE, crashes=5))
    keys = store.watch(300)
    assert keys[0] == f"check: {A}"
    assert keys.count("renew: inference-7d9f") == BUDGETS["renew"].most
    assert "crash-loops" in store.memory.held


def test_an_image_that_is_gone_is_brought_back_and_asked_for_again() -> None:
    """The engine is started; after its run the pod is renewed, since the kubelet would wait five minutes."""
    pod = replace(ONE, lacks_image=True, replaced=True)
    store = Store(pods=(PLUGIN, pod), heals=("pull again",))
    assert store.watch(60) == ["heal", "pull again"]
    assert store.done[1][0] - store.done[0][0] >= 10
    naked = Store(pods=(PLUGIN, replace(ONE, lacks_image=True, replaced=False)))
    assert naked.watch(300) == ["heal"]


def test_one_crash_is_no_loop() -> None:
    """A container that fell once, and is down for the moment, is its own kubelet's matter."""
    store = Store(pods=(PLUGIN, replace(ONE, crashes=1)))
    store.watch(20)
    store.pods = (PLUGIN, ONE)
    assert store.watch(300) == []
    assert store.done == []
