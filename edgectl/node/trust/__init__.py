"""Whose offers this node takes when nobody is on the line."""
