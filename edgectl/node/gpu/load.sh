#!/bin/sh
# Loads nvidia-uvm and makes its device files; where they are there, it does nothing. Usage: load.sh
# One reason line on stdout; exit 0 ready, 1 not yet, 2 never (until a person changes something).
root=${EDGECTL_ROOT:-}
there() { [ -e "$root/dev/nvidia-uvm" ]; }

there && { echo "nvidia-uvm is there"; exit 0; }
said=
if command -v nvidia-modprobe >/dev/null; then
  said=$(timeout -k 1 15 nvidia-modprobe -u -c 0 2>&1)
  there && { echo "nvidia-uvm is loaded"; exit 0; }
fi
# As NVIDIA's CUDA installation guide does it by hand ("Device Node Verification").
if failed=$(timeout -k 1 15 modprobe nvidia-uvm 2>&1); then
  major=$(awk '$2 == "nvidia-uvm" { print $1; exit }' "$root/proc/devices")
  if [ -n "$major" ]; then
    mknod -m 666 "$root/dev/nvidia-uvm" c "$major" 0
    mknod -m 666 "$root/dev/nvidia-uvm-tools" c "$major" 1
  fi
fi
there && { echo "nvidia-uvm is loaded"; exit 0; }
said=$(printf '%s\n%s\n' "$said" "$failed" | awk 'NF' | tail -n 1)
echo "nvidia-uvm cannot be loaded: ${said:-no word why}; see dmesg, and whether the driver's modules fit the kernel $(uname -r)"
exit 2
