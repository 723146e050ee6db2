"""A resolved store and a bundle become the payload: pure, deterministic, no network."""
