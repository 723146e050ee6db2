"""What edgectl relies on in k3s and a store that runs is not asked: the reason stands in each row.

Owns: the list. On a bare node of the sandbox all of it is tried (tests/contract, docs/contract.md).
"""

from __future__ import annotations

from edgectl.wire.lab import Relied

_RESTARTS = "it restarts k3s, or changes what k3s reads at its start"
_WRITES = "it leaves something in the store's cluster"
_BREAKS = "it breaks the store's k3s on purpose"
_JOINS = "it needs a bare machine that joins the store"

ROWS: tuple[Relied, ...] = (
    Relied(
        "certificates-stay",
        "a restart issues no certificate anew that has more than 120 days left",
        "docs.k3s.io/cli/certificate",
        why_not=_RESTARTS,
    ),
    Relied(
        "certificates-renewed",
        "a start issues a certificate anew that has less than 90 days left, by the same authority",
        "docs.k3s.io/cli/certificate (120 days since May 2025, 90 before)",
        why_not=_RESTARTS,
    ),
    Relied(
        "manifests",
        "a manifest in `server/manifests` is applied, and again when it changes; removing it removes nothing",
        "docs.k3s.io/installation/packaged-components (auto-deploying manifests)",
        why_not=_WRITES,
    ),
    Relied(
        "manifest-skip",
        "`<file>.skip` keeps a manifest from being applied",
        "docs.k3s.io/installation/packaged-components",
        why_not=_WRITES,
    ),
    Relied(
        "images-while-running",
        "an archive that appears while k3s runs is imported within seconds",
        "k3s `pkg/agent/containerd/watcher.go` (v1.32.0 and later)",
        why_not=_WRITES,
    ),
    Relied(
        "images-broken",
        "an archive that cannot be read is said so, and does not keep k3s from starting",
        "k3s `pkg/agent/containerd/containerd.go` (PreloadImages)",
        why_not=_RESTARTS,
    ),
    Relied(
        "config-drop-ins",
        "files of `config.yaml.d` count in the order of their names: a later one replaces a key, `key+` adds",
        "docs.k3s.io/installation/configuration (multiple config files); k3s `pkg/configfilearg/parser.go`",
        why_not=_RESTARTS,
    ),
    Relied(
        "unknown-key-server",
        "a server skips a key of config.yaml that it does not know, with a warning: a typing error passes",
        "k3s `pkg/configfilearg/parser.go` (stripInvalidFlags)",
        why_not=_RESTARTS,
    ),
    Relied(
        "unknown-key-agent",
        "an agent ends on a key of config.yaml that it does not know",
        "k3s `pkg/configfilearg/defaultparser.go` (ValidFlags)",
        why_not=_JOINS,
    ),
    Relied(
        "unknown-flag",
        "an unknown flag on the command line is fatal",
        "k3s `pkg/cli/cmds/server.go`",
        why_not="it starts a second k3s beside the store's own, where it does not hold",
    ),
    Relied(
        "registries",
        "`registries.yaml` is read at start, and becomes a hosts.toml for each registry",
        "docs.k3s.io/installation/private-registry; k3s `pkg/agent/containerd/config.go`",
        why_not=_RESTARTS,
    ),
    Relied(
        "containerd-config",
        "containerd's `config.toml` is written anew at every start",
        "docs.k3s.io/advanced (configuring containerd); k3s#4391",
        why_not=_RESTARTS,
    ),
    Relied(
        "containerd-template",
        '`config-v3.toml.tmpl` replaces it, and may say `{{ template "base" . }}`',
        "docs.k3s.io/advanced (configuring containerd; v1.31.6, v1.32.2 and later)",
        why_not=_RESTARTS,
    ),
    Relied(
        "nvidia-at-start",
        "`nvidia-container-runtime` is looked for when k3s starts, and only then",
        "docs.k3s.io/advanced (NVIDIA container runtime); k3s `pkg/agent/containerd/runtimes.go`",
        why_not=_RESTARTS,
    ),
    Relied(
        "notify",
        "the unit is active (Type=notify) only when the API is ready",
        "k3s `install.sh` (unit), `pkg/cli/server/server.go` (SdNotify)",
        why_not=_RESTARTS,
    ),
    Relied(
        "containers-outlive",
        "containers go on while k3s is stopped or restarted (KillMode=process), and are the same afterwards",
        "docs.k3s.io/upgrades/killall; k3s `install.sh`",
        why_not=_WRITES,
    ),
    Relied(
        "killed",
        "killed hard, k3s comes back by systemd alone",
        "k3s `install.sh` (Restart=always)",
        why_not=_BREAKS,
    ),
    Relied(
        "clock",
        "k3s refuses to start when the clock is before 1980",
        "k3s `pkg/cli/cmds/log.go` (checkUnixTimestamp)",
        why_not="it sets the machine's clock",
    ),
    Relied(
        "token-changed",
        "a server that was started with one token refuses another",
        "k3s `pkg/cluster/storage.go`; k3s#4640",
        why_not=_BREAKS,
    ),
    Relied(
        "join-wrong-hash",
        "an agent whose full token names another CA does not join, says so, and goes on trying",
        "k3s `pkg/clientaccess/token.go`, `pkg/agent/run.go` (createProxyAndValidateToken)",
        why_not=_JOINS,
    ),
    Relied(
        "join-short",
        "an agent joins with the short token (the password)",
        "docs.k3s.io/cli/token",
        why_not=_JOINS,
    ),
    Relied(
        "join-full",
        "an agent joins with the full token (K10…)",
        "docs.k3s.io/cli/token",
        why_not=_JOINS,
    ),
)
