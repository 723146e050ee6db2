"""What runs on the store's machine. Travels there; Python standard library only."""
