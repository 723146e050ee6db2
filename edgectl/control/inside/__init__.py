"""What a store's cluster tells of itself, read through a tunnel: pods, their logs, events."""
