"""The sandbox's GPUs: a device plugin of ours on the kubelet's real API, and the container images of a store."""
