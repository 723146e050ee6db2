"""Commands of one store, for many."""
