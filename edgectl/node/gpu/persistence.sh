#!/bin/sh
# Says whether the driver keeps the GPUs up while nobody uses them: else each start of a program costs seconds.
# Usage: persistence.sh. One reason line on stdout; exit 0 it does, or it cannot (the line says "cannot"), 1 not yet.
root=${EDGECTL_ROOT:-}
refused=$root/run/edgectl/persistence # left by load.sh
if [ -s "$refused" ]; then
  echo "persistence mode cannot be set: $(head -n 1 "$refused")"
  exit 0
fi
told=$(timeout -k 1 15 nvidia-smi --query-gpu=persistence_mode --format=csv,noheader 2>&1)
case $told in
  *Disabled*) echo "persistence mode is off: nvidia-smi -pm 1"; exit 1 ;;
esac
echo "persistence mode is on"
