"""The only parsing of arguments: one file per command, one `except` (main.py)."""
