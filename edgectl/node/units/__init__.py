"""The fixed systemd units and the `edgectl-node` command, and how they get onto a node."""
