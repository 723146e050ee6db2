"""One store: connect, offer, send, start, follow, verdict."""
