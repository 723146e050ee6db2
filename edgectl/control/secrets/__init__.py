"""References to secrets: what they name, which version, and the value at the moment it is sent."""
