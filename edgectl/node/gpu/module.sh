#!/bin/sh
# Says which NVIDIA driver lies on the disk for the kernel that runs: its version, or with `file` where its module is.
# Usage: module.sh [file]. Exit 1 and no word where there is none.
root=${EDGECTL_ROOT:-}
case ${1:-} in
  file) field=filename ;;
  *) field=version ;;
esac
for name in nvidia nvidia-current nvidia-current-open; do # Debian's own packages call it otherwise
  found=$(timeout -k 1 10 modinfo ${root:+-b "$root"} -F "$field" "$name" 2>/dev/null | head -n 1)
  [ -z "$found" ] || { echo "$found"; exit 0; }
done
exit 1
