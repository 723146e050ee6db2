"""Blobs by digest: one OCI image layout holds everything that moves to a store."""
