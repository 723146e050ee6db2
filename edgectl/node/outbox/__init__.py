"""What waits on a node to be told upward: to whoever collects it over the link, or to the store's uplink."""
