#!/bin/sh
# gpu-gate: the init container that waits until the node says that this pod's GPUs are proven in this boot. It judges
# nothing itself: what it reads lies on the node's tmpfs, and only the node's engine writes and withdraws it.
# The engine writes `each` before it writes the marker, so the marker is read first; and once more at the end, since
# both may be withdrawn in between.
marker=${1:-/run/edgectl/gpu/ready}
folder=${marker%/*}
trap 'exit 143' TERM INT # process 1 of a container has no default action

missing() {
    if [ ! -e "$marker" ]; then
        echo "the GPUs' proof of this boot ($marker)"
    elif [ -e "$folder/each" ] && [ -z "$POD_UID" ]; then
        echo "the proof of every GPU: one has none yet, and without POD_UID it cannot be told whose that is ($folder/each)"
    elif [ -e "$folder/each" ] && [ ! -e "$folder/pods/$POD_UID" ]; then
        echo "the proof of this pod's own GPUs ($folder/pods/$POD_UID)"
    elif [ ! -e "$marker" ]; then
        echo "the GPUs' proof of this boot ($marker)"
    fi
}

waited=0
said=
while what=$(missing) && [ -n "$what" ]; do
    if [ "$what" != "$said" ] || [ $((waited % 60)) -eq 0 ]; then
        echo "waiting for $what, $waited s so far"
        said=$what
    fi
    sleep 1
    waited=$((waited + 1))
done
echo "the GPU is proven, after $waited s"
