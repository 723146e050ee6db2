"""The operating system: what it must offer, and the files and settings edgectl keeps on it."""
