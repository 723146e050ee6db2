"""Backups on the operator's machine: fetched, judged, sent to a fresh node."""
