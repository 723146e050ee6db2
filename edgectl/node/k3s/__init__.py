"""k3s on this node: binary, files, service, images, and whether it serves."""
