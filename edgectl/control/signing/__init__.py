"""Keys that sign offers: who may, and the signature itself."""
