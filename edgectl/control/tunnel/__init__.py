"""A way to a store's Kubernetes API, through the SSH connection, for programs that only read."""
