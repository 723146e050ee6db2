#!/bin/sh
# Says whether CUDA's memory driver (nvidia-uvm) is there: without it every CUDA program ends with error 999. Usage: uvm.sh
# One reason line on stdout; exit 0 ready, 1 not yet.
root=${EDGECTL_ROOT:-}
if [ -e "$root/dev/nvidia-uvm" ]; then
  echo "nvidia-uvm is there"
  exit 0
fi
echo "/dev/nvidia-uvm is missing, nothing can compute: nvidia-modprobe -u -c 0"
exit 1
