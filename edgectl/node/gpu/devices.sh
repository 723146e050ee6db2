#!/bin/sh
# Compares the GPUs that nvidia-smi lists with the declaration. Usage: devices.sh COUNT [UUID...]
# A reason line on stdout, then nvidia-smi's own lines; exit 0 COUNT is there, 1 fewer, 2 nvidia-smi cannot work.
# A UUID that is not there is named; with COUNT others in its place (a card was swapped) that is no reason to be dark.
count=${1:-1}
[ $# -eq 0 ] || shift

command -v nvidia-smi >/dev/null || { echo "nvidia-smi is not installed"; exit 2; }
told=$(timeout -k 1 15 nvidia-smi -L 2>&1)
code=$?
case $code:$told in
  124:*) echo "nvidia-smi does not answer within 15 s: a GPU hangs; see dmesg for Xid"; exit 2 ;;
  9:*) echo "0 of $count GPUs: the driver is not loaded"; exit 1 ;; # it may still come
  *"version mismatch"*) echo "nvidia-smi cannot work: Driver/library version mismatch; reboot"; exit 2 ;;
  0:* | *"No devices were found"* | *"GPU "[0-9]*:*) ;;
  *) echo "nvidia-smi cannot work (exit $code): $(echo "$told" | head -n 1)"; exit 2 ;;
esac

listed=$(echo "$told" | grep -c '^GPU [0-9]*: .*(UUID: ')
shares=$(echo "$told" | grep -c '^ *MIG .*(UUID: ')
words="$listed of $count GPUs"
[ "$shares" -eq 0 ] || words="$words, $shares MIG devices"
missing=
for uuid in "$@"; do
  case $told in *"(UUID: $uuid)"*) ;; *) missing="$missing $uuid" ;; esac
done
lost=$(echo "$told" | sed -n 's/^Unable to determine the device handle for \(.*\)/\1/p' | head -n 1)
[ -z "$missing" ] || words="$words; missing:$missing"
[ -z "$lost" ] || words="$words; not usable: $lost"
echo "$words"
echo "$told" | grep '(UUID: '
[ "$listed" -ge "$count" ]
