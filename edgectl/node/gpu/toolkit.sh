#!/bin/sh
# Says whether NVIDIA's container runtime is where k3s looks for it, and whether the k3s that runs has found it.
# Usage: toolkit.sh [VERSION]. One reason line on stdout; exit 0 ready, 1 not yet, 2 never (until a person changes it).
# Another VERSION than the declared one still works: exit 0, and the line ends with "(VERSION is declared)".
declared=${1:-}
root=${EDGECTL_ROOT:-}
config=$root/var/lib/rancher/k3s/agent/etc/containerd/config.toml

say() { echo "$2"; exit "$1"; }

# k3s looks once, when it starts: where NVIDIA's GPU operator puts it, then on PATH.
runtime=$root/usr/local/nvidia/toolkit/nvidia-container-runtime
[ -x "$runtime" ] || runtime=$(command -v nvidia-container-runtime) ||
  say 2 "nvidia-container-runtime is not installed: install nvidia-container-toolkit, then restart k3s once"

# config.toml is written at each start of k3s: what it says counts only while one runs.
if systemctl is-active --quiet k3s.service || systemctl is-active --quiet k3s-agent.service; then
  if [ -r "$config" ] && ! grep -q nvidia-container-runtime "$config"; then
    # One restart is enough: a k3s that started after it was installed and has not found it will not find it again.
    [ -n "$(find "$(readlink -f "$runtime")" -cnewer "$config" 2>/dev/null)" ] ||
      say 2 "k3s has started since the NVIDIA container toolkit was installed, and has not found it at ${runtime#"$root"}: see the k3s log"
    say 1 "the NVIDIA container toolkit came after k3s had started: k3s needs one restart (systemctl restart k3s)"
  fi
fi

version=$(timeout -k 1 5 "$runtime" --version 2>/dev/null |
  awk '/^NVIDIA Container Runtime version / { sub(/[-+~].*/, "", $5); print $5; exit }')
[ -n "$version" ] || say 0 "toolkit of unknown version at ${runtime#"$root"}"
words="toolkit $version"
if [ "$(printf '%s\n1.18\n' "$version" | sort -V | head -n 1)" != 1.18 ]; then
  words="$words, older than 1.18: a systemctl daemon-reload takes the GPUs from running containers"
fi
case $version in
  "${declared:-$version}" | "$declared".*) ;;
  *) words="$words ($declared is declared)" ;;
esac
say 0 "$words"
