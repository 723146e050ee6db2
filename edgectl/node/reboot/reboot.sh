#!/bin/sh
# Says whether this machine must be restarted for what edgectl has installed. Usage: reboot.sh [nvidia|- [PACKAGE ...]]
# "nvidia": its packages are declared. PACKAGE: those that are ours; a restart that others wish for is said, no more.
# One reason line on stdout, "CAUSE: ..." where one is needed; exit 0 none is, 1 one is, 2 never (until a person changes
# something).
root=${EDGECTL_ROOT:-}
nvidia=${1:--}
[ $# -eq 0 ] || shift

say() { echo "$2"; exit "$1"; }

loaded=$(cat "$root/sys/module/nvidia/version" 2>/dev/null)
if [ -z "$loaded" ] && [ -r "$root/proc/driver/nvidia/version" ]; then
  loaded=$(awk '/^NVRM version/ { for (i = 3; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9.]+$/) { print $i; exit } }' \
    "$root/proc/driver/nvidia/version")
fi
# A module that is not loaded needs no restart: modprobe will do. One that is loaded cannot go while somebody uses it.
if [ -n "$loaded" ]; then
  there=$(sh "${0%/*}/../gpu/module.sh")
  case $there in
    "" | "$loaded") ;; # nothing for this kernel: a restart would take the driver away
    *) say 1 "driver: the kernel runs NVIDIA $loaded, $there is installed" ;;
  esac
fi

if [ "$nvidia" = nvidia ] && [ -z "$loaded" ] && [ -d "$root/sys/module/nouveau" ]; then
  # NVIDIA's packages bring such a file; without one, the next boot would load nouveau again.
  grep -rqsE '^[[:space:]]*(blacklist|alias|install)[[:space:]]+nouveau([[:space:]]|$)' \
    "$root/etc/modprobe.d" "$root/run/modprobe.d" "$root/usr/lib/modprobe.d" "$root/lib/modprobe.d" ||
    say 2 "nouveau is loaded in place of NVIDIA's driver, and nothing keeps it from the next boot: declare a file in /etc/modprobe.d that says 'blacklist nouveau'"
  say 1 "nouveau: it is loaded in place of NVIDIA's driver"
fi

# Its package was removed under it, says dpkg: no module can be loaded any more. Kernels of no package have no folder, too.
runs=$(uname -r)
if [ ! -d "$root/lib/modules/$runs/kernel" ]; then
  for other in "$root"/boot/vmlinuz-*; do
    [ -e "$other" ] || break
    was=$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Status}' "linux-image-$runs" 2>/dev/null)
    [ "$was" != config-files ] || say 1 "kernel: $runs runs, its package was removed, and ${other##*/vmlinuz-} is there"
    break
  done
fi

[ -e "$root/run/reboot-required" ] || say 0 "no restart is needed"
ours='' others=''
# shellcheck disable=SC2013 # names of packages have no blanks
for name in $(sort -u "$root/run/reboot-required.pkgs" 2>/dev/null); do
  found=others
  for own in "$@"; do
    [ "$name" != "$own" ] || found=ours
  done
  if [ "$found" = ours ]; then ours="${ours:+$ours, }$name"; else others="${others:+$others, }$name"; fi
done
[ -z "$ours" ] || say 1 "packages: $ours"
say 0 "no restart is needed for what is declared; ${others:-somebody} would like one"
