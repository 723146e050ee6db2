"""What an acceptance asks of a lab's machine: what it is, what began on it, k3s's ways, and a blow to it."""
