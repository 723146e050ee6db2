"""One command for many stores, at once."""
