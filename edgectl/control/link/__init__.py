"""SSH and bytes: one connection and one exec between the operator and a node."""
