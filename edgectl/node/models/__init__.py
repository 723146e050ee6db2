"""The registry of models on the node: versions by digest, and which of them runs."""
