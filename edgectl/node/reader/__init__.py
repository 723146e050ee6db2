"""Readers: who may look into the cluster for a while, and change nothing in it."""
