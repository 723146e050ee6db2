#!/bin/sh
# Says why no NVIDIA driver is loaded, from the hardware upwards, and what to do. Usage: unloaded.sh
# One reason line on stdout; exit 1 not yet, 2 never (until a person changes something).
# "driver VERSION is installed and not loaded" is what load.sh cures.
root=${EDGECTL_ROOT:-}
here=$(dirname "$0")
kernel=$(uname -r)

say() { echo "$2"; exit "$1"; }

found=0
nouveau=
for device in "$root"/sys/bus/pci/devices/*; do
  [ "$(cat "$device/vendor" 2>/dev/null)" = 0x10de ] || continue
  case $(cat "$device/class" 2>/dev/null) in 0x0300* | 0x0302*) ;; *) continue ;; esac # not its sound or USB part
  found=$((found + 1))
  [ "$(basename "$(readlink "$device/driver" 2>/dev/null)")" != nouveau ] || nouveau=${nouveau:-${device##*/}}
done
[ "$found" -gt 0 ] || say 1 "the driver is not loaded, and no NVIDIA GPU is on the PCI bus: reseat the card and its power"

version=$(sh "$here/module.sh")
if [ -n "$nouveau" ]; then
  if [ -n "$version" ] && grep -rqsE '^[[:space:]]*blacklist[[:space:]]+nouveau([[:space:]]|$)' \
    "$root/etc/modprobe.d" "$root/run/modprobe.d" "$root/usr/lib/modprobe.d" "$root/lib/modprobe.d"; then
    say 1 "nouveau holds the GPU at $nouveau until the machine is restarted; then driver $version has it"
  fi
  say 1 "nouveau holds the GPU at $nouveau: install NVIDIA's driver, put 'blacklist nouveau' into /etc/modprobe.d, update-initramfs -u, reboot"
fi

if [ -n "$version" ]; then
  # What is refused once is refused again until the next boot: the firmware reads keys when it starts.
  refused=$(timeout -k 1 8 dmesg 2>/dev/null |
    grep -aE 'Loading of .* is rejected|unsigned module loading is restricted' | tail -n 1)
  case $(sh "$here/secureboot.sh") in
    on:*) [ -z "$refused" ] || say 2 "$(sh "$here/refused.sh" "$version")" ;;
  esac
  say 1 "driver $version is installed and not loaded: modprobe nvidia"
fi

# Built for another kernel, or not built at all: the running one was upgraded, and its headers were not there.
for module in "$root"/lib/modules/*/updates/dkms/nvidia*.ko*; do
  [ -e "$module" ] || continue
  other=${module#"$root"/lib/modules/}
  other=${other%%/*}
  [ "$other" != "$kernel" ] || say 1 "the driver is built for the kernel $kernel, and modprobe does not know it: depmod -a"
  say 1 "the driver is built for the kernel $other, and $kernel runs: apt-get install linux-headers-$kernel; dkms autoinstall -k $kernel"
done
for source in "$root"/var/lib/dkms/nvidia*/[0-9]*; do
  [ -d "$source" ] || continue
  version=${source##*/}
  say 1 "DKMS has not built driver $version for the kernel $kernel: see ${source#"$root"}/build/make.log, then dkms autoinstall -k $kernel"
done
say 1 "the driver is not loaded; GPUs on the PCI bus: $found. Try modprobe nvidia; dmesg says why it does not load"
