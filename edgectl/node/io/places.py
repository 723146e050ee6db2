"""Where everything lies on a node. One list, so that a person finds it and nothing is spelled twice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Paths under one root ("/" on a node, a folder in a test)."""

    root: Path = Path("/")

    @cached_property  # most others begin with it
    def state(self) -> Path:
        """Survives reboots, and k3s-uninstall.sh, which deletes all of /var/lib/rancher/k3s."""
        return self.root / "var/lib/edgectl"

    @property
    def blobs(self) -> Path:
        """Content by digest: <hex>."""
        return self.state / "blobs/sha256"

    @property
    def staging(self) -> Path:
        """Half-received blobs, <hex>.part; on the file system of `blobs`."""
        return self.state / "staging"

    @property
    def runtimes(self) -> Path:
        """Engines by digest, unpacked: <hex>/."""
        return self.state / "runtimes"

    @property
    def slots(self) -> Path:
        """Accepted envelopes by sequence, and the links candidate, current, previous."""
        return self.state / "slots"

    @property
    def owned(self) -> Path:
        """Which files of the host are ours, and what stood there before."""
        return self.state / "owned"

    @property
    def apt(self) -> Path:
        """The node's own package source: links to package files, the list of them, and apt's notes on it."""
        return self.state / "apt"

    @property
    def journal(self) -> Path:
        """One JSONL file a run."""
        return self.state / "journal"

    @property
    def journals(self) -> tuple[Path, Path]:
        """Where runs' files lie: the journal, and its spare on tmpfs for a disk that is full."""
        return self.journal, self.run / "journal"

    @property
    def backups(self) -> Path:
        """k3s's datastore and token from before its last minor versions: <version>/."""
        return self.state / "backups"

    @property
    def saved(self) -> Path:
        """Backups of the cluster, one file each, for whoever brings up another machine in this one's place."""
        return self.state / "saved"

    @property
    def restored(self) -> Path:
        """Which backup was put back on this machine, before its first deploy."""
        return self.state / "restored.json"

    @property
    def removing(self) -> Path:
        """Present while all that is edgectl's is taken off this machine: of which store, and what it has asked for."""
        return self.state / "removing.json"

    @property
    def join_token(self) -> Path:
        """What an agent joins the store's cluster with; k3s reads it (`token-file`). Of root alone."""
        return self.state / "secrets/k3s-token"

    @property
    def secret_values(self) -> Path:
        """The newest values of the store's secrets. Of root alone; on the lead only."""
        return self.state / "secrets/values.json"

    @property
    def trust(self) -> Path:
        """Whose signatures count here: trust.json, the newest ever given, and heard.json, the newest serial taken."""
        return self.state / "trust"

    @property
    def offers(self) -> Path:
        """What this node was given by stick and takes when its store's lead has decided it."""
        return self.state / "offers"

    @property
    def models(self) -> Path:
        """The registry of models: <name>/versions/<version>-<hex>/, and links current, previous, candidate."""
        return self.state / "models"

    @property
    def outbox(self) -> Path:
        """What waits to be told upward: one file each, capped."""
        return self.state / "outbox"

    @property
    def audit(self) -> Path:
        """Who asked what of this node, and what came of it: chained lines. Of root alone."""
        return self.state / "audit"

    @property
    def pause(self) -> Path:
        """Present while a person works on the store by hand."""
        return self.state / "pause.json"

    @property
    def reboot(self) -> Path:
        """Which restarts edgectl has asked for, and the run that goes on after one."""
        return self.state / "reboot.json"

    @property
    def way_back(self) -> Path:
        """Present while what a rejected deploy has changed is not all undone: the base to which the store goes back."""
        return self.state / "way-back.json"

    @cached_property  # most others begin with it
    def run(self) -> Path:
        """Empty after each boot (tmpfs)."""
        return self.root / "run/edgectl"

    @property
    def clock(self) -> Path:
        """A file whose time is the last that this node knew: a clock without battery starts from there."""
        return self.state / "clock"

    @property
    def unit_marks(self) -> Path:
        """One empty file a unit of the system that runs with something else than now lies in its files."""
        return self.run / "units"

    @property
    def gpu_marker(self) -> Path:
        """The init gate of inference pods waits for it; holds the boot id; on tmpfs, so gone at reboot."""
        return self.run / "gpu/ready"

    @property
    def gpu_proof(self) -> Path:
        """What each GPU's proof of this boot has shown, as JSON; beside the marker, and as short-lived."""
        return self.run / "gpu/proof.json"

    @property
    def gpu_each(self) -> Path:
        """Present while the plugin offers a GPU without proof: the gate then waits for its pod's own word, too."""
        return self.run / "gpu/each"

    @property
    def gpu_pods(self) -> Path:
        """One file a pod (its UID) whose GPUs are all proven; asked for only while `gpu_each` is there."""
        return self.run / "gpu/pods"

    @property
    def gpu_log(self) -> Path:
        """One line an event of the proof: monotonic nanoseconds, `proven` or `withdrawn`, of what."""
        return self.run / "gpu/log"

    @property
    def watch(self) -> Path:
        """What the watchdog has seen and done in this boot, as JSON."""
        return self.run / "watch.json"

    @property
    def chain(self) -> Path:
        """What the watchdog believes of the vision chain's links in this boot, as JSON."""
        return self.run / "chain.json"

    @property
    def chain_metrics(self) -> Path:
        """Prometheus' textfile of the vision chain, beside that of the GPUs."""
        return self.run / "metrics/edgectl-chain.prom"

    @property
    def metrics(self) -> Path:
        """Prometheus' textfile of this node's GPUs (node_exporter --collector.textfile.directory)."""
        return self.run / "metrics/edgectl.prom"

    @property
    def k3s_started(self) -> Path:
        """sha256sum lines that k3s.service writes before it starts: with what the running k3s was started."""
        return self.run / "k3s.started"

    @cached_property
    def k3s_data(self) -> Path:
        """k3s's data directory, by its own default."""
        return self.root / "var/lib/rancher/k3s"

    @property
    def k3s_content(self) -> Path:
        """Where k3s's containerd keeps content by digest: <hex>."""
        return self.k3s_data / "agent/containerd/io.containerd.content.v1.content/blobs/sha256"

    def blob(self, digest: str) -> Path:
        """Return the place of one blob."""
        return self.blobs / digest.removeprefix("sha256:")

    def runtime(self, digest: str) -> Path:
        """Return the place of one unpacked runtime."""
        return self.runtimes / digest.removeprefix("sha256:")
