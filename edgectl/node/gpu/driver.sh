#!/bin/sh
# Says whether NVIDIA's kernel driver is loaded, which one, and whether user space fits it. Usage: driver.sh [VERSION]
# One reason line on stdout; exit 0 ready, 1 not yet, 2 never (until a person changes something).
# Another VERSION than the declared one still computes: exit 0, and the line ends with "(VERSION is declared)".
declared=${1:-}
root=${EDGECTL_ROOT:-}

say() { echo "$2"; exit "$1"; }
ready() {
  [ -n "$1" ] || say 0 "a driver is loaded; what it says of its version is not understood"
  case $1 in
    "${declared:-$1}" | "$declared".*) say 0 "driver $1 is loaded" ;;
  esac
  say 0 "driver $1 is loaded ($declared is declared)"
}
mismatch() {
  say 2 "$1: user space was replaced under a running driver; reboot, or reinstall the driver if that does not help, and hold its packages (apt-mark hold) so that no unattended upgrade does it again"
}

# By the kernel's own word: nvidia-smi takes seconds where no persistence daemon runs.
if [ -r "$root/proc/driver/nvidia/version" ]; then
  version=$(awk '/^NVRM version/ { for (i = 3; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9.]+$/) { print $i; exit } }' \
    "$root/proc/driver/nvidia/version")
  # The library that programs load, by its file's name: libnvidia-ml.so.580.95.05. Elsewhere it is not judged.
  library=$(ldconfig -p 2>/dev/null | awk '/libnvidia-ml\.so\.1 .*x86-64|libnvidia-ml\.so\.1 .*AArch64/ { print $NF; exit }')
  file=$(readlink -f "$root${library:-/none}" 2>/dev/null)
  user=${file##*libnvidia-ml.so.}
  case $user in
    "$version" | "$file" | 1) ;;
    *) mismatch "the driver is $version, its library $user" ;;
  esac
  ready "$version"
fi

if [ -e "$root/dev/nvidiactl" ]; then # the file stays when the driver goes: ask
  command -v nvidia-smi >/dev/null || say 0 "a driver is loaded; nvidia-smi, which would tell its version, is not installed"
  told=$(timeout -k 1 15 nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>&1)
  code=$?
  case $told in
    *"version mismatch"*) mismatch "Driver/library version mismatch" ;;
    *"couldn't communicate"*) ;;
    *"No devices were found"*) say 1 "the driver is loaded and finds no GPU: see dmesg, reseat the card and its power" ;;
    *)
      [ "$code" -ne 0 ] || ready "$(echo "$told" | head -n 1)"
      [ "$code" -ne 124 ] || say 1 "nvidia-smi does not answer within 15 s: a GPU hangs; see dmesg for Xid"
      say 1 "nvidia-smi failed (exit $code): $(echo "$told" | head -n 1)"
      ;;
  esac
fi

found=0
for device in "$root"/sys/bus/pci/devices/*; do
  [ "$(cat "$device/vendor" 2>/dev/null)" = 0x10de ] || continue
  case $(cat "$device/class" 2>/dev/null) in 0x0300* | 0x0302*) ;; *) continue ;; esac # not its sound or USB part
  found=$((found + 1))
  if [ "$(basename "$(readlink "$device/driver" 2>/dev/null)")" = nouveau ]; then
    say 1 "nouveau holds the GPU at $(basename "$device"): put 'blacklist nouveau' into /etc/modprobe.d, update-initramfs -u, reboot"
  fi
done
[ "$found" -gt 0 ] || say 1 "the driver is not loaded, and no NVIDIA GPU is on the PCI bus: reseat the card and its power"
say 1 "the driver is not loaded; GPUs on the PCI bus: $found. Try modprobe nvidia; dmesg says why it does not load"
