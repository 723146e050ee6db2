#!/bin/sh
# Loads NVIDIA's driver and nvidia-uvm, and makes their device files; what is there stays. Usage: load.sh [persistence]
# persistence: the driver keeps the GPUs up while nobody uses them; that it cannot is said and is no failure.
# The last line on stdout is the reason; exit 0 ready, 1 not yet, 2 never (until a person changes something).
root=${EDGECTL_ROOT:-}
here=$(dirname "$0")
there() { [ -e "$root/dev/nvidia-uvm" ]; }

persist() {
  [ "${1:-}" = persistence ] || return 0
  refused=$root/run/edgectl/persistence # says so to persistence.sh: what cannot be is not tried at every look
  systemctl start nvidia-persistenced.service 2>/dev/null
  if failed=$(timeout -k 1 25 nvidia-smi -pm 1 2>&1); then
    rm -f "$refused"
    return 0
  fi
  mkdir -p "${refused%/*}"
  printf '%s\n' "$failed" | awk 'NF' | tail -n 1 > "$refused"
}

if ! [ -r "$root/proc/driver/nvidia/version" ] && version=$(sh "$here/module.sh"); then
  if ! failed=$(timeout -k 1 25 modprobe nvidia 2>&1); then
    case $failed in
      *"Key was rejected"* | *"Required key not available"*) sh "$here/refused.sh" "$version"; exit 2 ;;
      *"Operation not permitted"*)
        case $(sh "$here/secureboot.sh") in on:*) sh "$here/refused.sh" "$version"; exit 2 ;; esac
        ;;
    esac
    echo "driver $version cannot be loaded: $(printf '%s\n' "${failed:-no word why}" | tail -n 1); dmesg | grep NVRM says more"
    exit 2
  fi
fi

if ! there; then
  said=
  ! command -v nvidia-modprobe >/dev/null || said=$(timeout -k 1 15 nvidia-modprobe -u -c 0 2>&1)
  if ! there; then
    # As NVIDIA's CUDA installation guide does it by hand ("Device Node Verification").
    if failed=$(timeout -k 1 15 modprobe nvidia-uvm 2>&1); then
      major=$(awk '$2 == "nvidia-uvm" { print $1; exit }' "$root/proc/devices")
      if [ -n "$major" ]; then
        mknod -m 666 "$root/dev/nvidia-uvm" c "$major" 0
        mknod -m 666 "$root/dev/nvidia-uvm-tools" c "$major" 1
      fi
    fi
  fi
  if ! there; then
    said=$(printf '%s\n%s\n' "$said" "$failed" | awk 'NF' | tail -n 1)
    echo "nvidia-uvm cannot be loaded: ${said:-no word why}; see dmesg, and whether the driver's modules fit the kernel $(uname -r)"
    exit 2
  fi
  persist "$@"
  echo "nvidia-uvm is loaded"
  exit 0
fi
persist "$@"
echo "nvidia-uvm is there"
