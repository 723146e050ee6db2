#!/bin/sh
# Says whether NVIDIA's kernel driver is loaded, which one, and whether user space fits it. Usage: driver.sh [VERSION]
# One reason line on stdout; exit 0 ready, 1 not yet, 2 never (until a person changes something).
# Another VERSION than the declared one still computes: exit 0, and the line ends with "(VERSION is declared)".
declared=${1:-}
root=${EDGECTL_ROOT:-}
here=$(dirname "$0")

say() { echo "$2"; exit "$1"; }
ready() {
  [ -n "$1" ] || say 0 "a driver is loaded; what it says of its version is not understood"
  next=
  case ${2:-$1} in "$1") ;; *) next=", $2 comes with the next boot" ;; esac
  case $1 in
    "${declared:-$1}" | "$declared".*) say 0 "driver $1 is loaded$next" ;;
  esac
  say 0 "driver $1 is loaded$next ($declared is declared)"
}
mismatch() {
  say 2 "$1: user space was replaced under a running driver; ${2:-reboot, or reinstall the driver if that does not help}, and hold its packages (apt-mark hold) so that no unattended upgrade does it again"
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
    *)
      installed=$(sh "$here/module.sh")
      [ "$installed" != "$user" ] || mismatch "the driver is $version, its library $user" "reboot: driver $installed lies on the disk"
      mismatch "the driver is $version, its library $user"
      ;;
  esac
  # The module on the disk is large: it is read only where it came after the driver was loaded.
  module=$(sh "$here/module.sh" file)
  [ -z "$module" ] || [ -z "$(find "$module" -cnewer "$root/dev/nvidiactl" 2>/dev/null)" ] ||
    ready "$version" "$(sh "$here/module.sh")"
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

exec sh "$here/unloaded.sh"
