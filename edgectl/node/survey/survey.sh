#!/bin/sh
# Reads what a machine says of itself before anything is changed; changes nothing. Usage: survey.sh [LEAD [NAME...]]
# LEAD: address of the store's server, where this node is to be an agent of it ("-": none). NAME: must resolve.
# Lines KEY=VALUE on stdout, a key again for each of several; a subject that has been read says done=SUBJECT. All are
# read at once, each program under a deadline of its own. What is not there has no line.
lead=${1:--}
[ $# -eq 0 ] || shift
root=${EDGECTL_ROOT:-}

put() { [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"; }
within() { limit=$1; shift; timeout -k 1 "$limit" "$@" 2>/dev/null; }
has() { command -v "$1" >/dev/null 2>&1; }
first() { head -n 1 "$1" 2>/dev/null; }
# One write a line: subjects do not mix.
each() { while IFS= read -r line; do put "$1" "$line"; done; }

system() {
  # shellcheck disable=SC1090,SC1091 # the file is the node's own
  put os "$(. "$root/etc/os-release" 2>/dev/null && echo "${ID:-}-${VERSION_ID:-} ${PRETTY_NAME:-}")"
  put arch "$(uname -m)"
  put kernel "$(uname -r)"
  put systemd "$(systemctl --version 2>/dev/null | awk 'NR == 1 { print $2 }')"
  put selinux "$(first "$root/sys/fs/selinux/enforce")"
  [ -e "$root/sys/fs/cgroup/cgroup.controllers" ] && echo cgroup=2
  [ -d "$root/sys/fs/cgroup/memory" ] && echo cgroup=1
  [ -d "$root/run/systemd/system" ] && echo init=systemd
  awk 'NR > 1 { print $1 }' "$root/proc/swaps" 2>/dev/null | each swap
}

disk() {
  awk '{ print $2, $3, $4 }' "$root/proc/self/mounts" 2>/dev/null |
    awk '$1 ~ /^\/(usr|usr\/local|etc|opt|var|var\/lib|var\/lib\/(rancher|edgectl|kubelet).*)?$/' | each mount
  has dmesg && within 5 dmesg --level=emerg,alert,crit,err |
    grep -E 'I/O error|critical (medium|target) error|EXT4-fs error|XFS .*[Cc]orruption|BTRFS error|nvme.*(timeout|controller is down)' |
    tail -n 3 | each disk-error
  if has smartctl; then
    echo smart-tool=yes
    for device in "$root"/sys/block/*; do
      [ -e "$device/device" ] || continue
      name=$(basename "$device")
      put smart "$name $(within 8 smartctl -H -j "/dev/$name" | tr -d '\n\t' | cut -c 1-3000)"
    done
  fi
}

memory() {
  for bank in "$root"/sys/devices/system/edac/mc/mc*; do
    [ -r "$bank/ce_count" ] || continue
    put edac "$(basename "$bank") $(first "$bank/ce_count") $(first "$bank/ue_count")"
  done
}

clock() {
  put rtc "$(first "$root/sys/class/rtc/rtc0/since_epoch")"
  has timedatectl && within 5 timedatectl show -p NTP -p NTPSynchronized | each time
}

network() {
  has ip && {
    echo ip-tool=yes
    within 5 ip -o addr show | each address
    { within 5 ip -o -4 route show default; within 5 ip -o -6 route show default; } | each route
  }
  for card in "$root"/sys/class/net/*; do
    [ ! -r "$card/mtu" ] || put mtu "$(basename "$card") $(first "$card/mtu")"
    [ ! -r "$card/operstate" ] || put link "$(basename "$card") $(first "$card/operstate")"
  done
  has ss && {
    echo ss-tool=yes
    within 5 ss -Htulnp | awk '$5 ~ /:(6443|6444|10250|10256|2379|2380|8472|51820)$/ { print $1, $5, $7 }' | each port
  }
  # shellcheck disable=SC2012,SC2046 # fixed names, and a list of files is wanted
  grep -lEi '(http|https|all)_proxy *=' \
    $(ls -d "$root/etc/environment" "$root"/etc/systemd/system.conf "$root"/etc/systemd/system.conf.d/*.conf \
      "$root"/etc/systemd/system/k3s*.service.env "$root"/etc/default/k3s* 2>/dev/null) /dev/null 2>/dev/null |
    sed "s|^$root||" | each proxy
  if [ "$lead" != - ] && has ping; then
    route=$(within 3 ip -o route get "$lead")
    card=$(echo "$route" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
    size=$(first "$root/sys/class/net/$card/mtu")
    if ! within 3 ping -c 1 -W 2 "$lead" >/dev/null; then put lead silent
    elif within 3 ping -c 1 -W 2 -M "do" -s "$((${size:-1500} - 28))" "$lead" >/dev/null; then put lead "$size"
    else put lead "small $size"; fi
  fi
}

names() {
  awk '$1 == "nameserver" { print $2 }' "$root/etc/resolv.conf" 2>/dev/null | each nameserver
  for name in "$@"; do
    within 4 getent ahosts "$name" >/dev/null
    put resolve "$name $?"
  done
}

packages() {
  [ -r "$root/var/lib/dpkg/status" ] || return
  echo dpkg=yes
  # A package that is neither installed nor gone; and those of the GPU, with whether apt leaves them alone.
  awk '/^Package: / { name = $2 }
    /^Status: / && ($4 ~ /half|unpacked|triggers/ || $3 != "ok") { print "half", name, $4, $3 }
    /^Status: / && $4 == "installed" && name ~ /^(lib)?nvidia-|^cuda-drivers|^linux-modules-nvidia|^xserver-xorg-video-nvidia/ {
      print "gpu-package", name, $2 }' "$root/var/lib/dpkg/status" |
    while read -r key rest; do put "$key" "$rest"; done
  [ -n "$(ls -A "$root/var/lib/dpkg/updates" 2>/dev/null)" ] && echo interrupted=yes
  cat "$root"/etc/apt/apt.conf.d/* 2>/dev/null | grep -v '^ *//' | awk '
    /APT::Periodic::Unattended-Upgrade/ { on = ($0 ~ /"[1-9]/) }
    /Package-Blacklist/ { list = 1 }
    list && /nvidia|cuda/ { fenced = 1 }
    /};/ { list = 0 }
    END { if (on) print "unattended=" (fenced ? "fenced" : "on") }'
  [ -e "$root/run/reboot-required" ] || [ -e "$root/var/run/reboot-required" ] || return 0
  put reboot "$(sort -u "$root/run/reboot-required.pkgs" 2>/dev/null | tr '\n' ' ' || true)needed"
}

gpu() {
  for device in "$root"/sys/bus/pci/devices/*; do
    [ -e "$device" ] || continue
    pci=yes
    [ "$(first "$device/vendor")" = 0x10de ] || continue
    case $(first "$device/class") in 0x0300* | 0x0302*) ;; *) continue ;; esac
    put card "$(basename "$device") $(basename "$(readlink "$device/driver" 2>/dev/null)")"
  done
  put pci "${pci:-}"
  here=$(dirname "$0")/../gpu
  said=$(within 18 sh "$here/driver.sh")
  put driver "$? $(echo "$said" | head -n 1)"
  said=$(within 8 sh "$here/toolkit.sh")
  put toolkit "$? $(echo "$said" | head -n 1)"
  efi=$root/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
  [ -r "$efi" ] && put secure-boot "$(od -An -tu1 -j4 -N1 "$efi" | tr -d ' ')"
  for key in "$root/var/lib/dkms/mok.pub" "$root/var/lib/shim-signed/mok/MOK.der"; do
    [ -r "$key" ] || continue
    if has mokutil; then put mok "$(within 5 mokutil --test-key "$key" | head -n 1)"; else put mok "mokutil is not installed"; fi
  done
  return 0
}

read_all() {
  { system; echo done=system; } &
  { disk; echo done=disk; } &
  { memory; echo done=memory; } &
  { clock; echo done=clock; } &
  { network; echo done=network; } &
  { packages; echo done=packages; } &
  { gpu; echo done=gpu; } &
  { names "$@"; echo done=names; } &
  wait
}

read_all "$@"
exit 0
