"""What must be there before k3s starts, and may not be: a clock that can be right, an address, a default route."""
