"""What pods of the store can mount: its secrets, and what it may know of itself."""
