"""Blobs between the nodes of one store: one hands out, others take. Only for the length of one deploy."""
