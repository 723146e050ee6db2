#!/bin/sh
# Says whether this machine can carry a store at all. Usage: preflight.sh FREE_BYTES [FOLDER [runs]]
# One reason line on stdout; exit 0 ready, 1 not yet, 2 never (until a person changes something).
# runs: a store is here already, and goes on on a system that is not supported; the line then ends with "(not supported)".
free_wanted=${1:-0}
folder=${2:-/var/lib}
runs=${3:-}
root=${EDGECTL_ROOT:-}

never() { echo "$1"; exit 2; }

[ "$(id -u)" = 0 ] || never "this needs root"
[ -d "$root/run/systemd/system" ] || never "systemd does not run here"
if [ -r /sys/fs/selinux/enforce ] && [ "$(cat /sys/fs/selinux/enforce)" = 1 ]; then
  never "SELinux is enforcing, which is not supported"
fi
case $(uname -m) in x86_64 | aarch64) ;; *) never "the processor $(uname -m) is not supported" ;; esac
[ -w /usr ] || never "/usr cannot be written"
# k3s makes certificates from this clock; before 1980 it does not start at all.
[ "$(date +%Y)" -ge 2025 ] || { echo "the clock says $(date -u +%F), which cannot be; waiting for time sync"; exit 1; }
free=$(df -P -k "$folder" | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
if [ "${free:-0}" -lt "$free_wanted" ]; then
  never "the disk of $folder has $((free / 1048576)) MiB free, $((free_wanted / 1048576)) MiB are needed"
fi
# shellcheck disable=SC1091 # the file is the node's own
name=$(. "$root/etc/os-release" && echo "${PRETTY_NAME:-unknown system}")
# shellcheck disable=SC1091 # the same
case $(. "$root/etc/os-release" && echo "${ID:-}-${VERSION_ID:-}") in
  debian-12 | debian-13 | ubuntu-22.04 | ubuntu-24.04) ;;
  *)
    [ "$runs" = runs ] || never "$name is not supported: install Debian 12 or 13, Ubuntu 22.04 or 24.04"
    name="$name (not supported)"
    ;;
esac
echo "$name, $((free / 1073741824)) GiB free"
