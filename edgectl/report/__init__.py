"""Verdicts for people and machines: the terminal, JSON."""
