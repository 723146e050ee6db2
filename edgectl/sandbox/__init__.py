"""A real store on this machine: nodes, GPUs, Kubernetes and the link to them, for trying edgectl and for its tests."""
