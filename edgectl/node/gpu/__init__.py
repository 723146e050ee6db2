"""GPUs: what the node may use, and the marker that inference waits for."""
