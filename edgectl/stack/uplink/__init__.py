"""Store and forward: what the cameras saw is on this store's disk before they forget it, and at the sink in the end."""
