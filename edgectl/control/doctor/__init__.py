"""A store that is not well, seen from a desk: the link, each node's own diagnosis, and this machine."""
