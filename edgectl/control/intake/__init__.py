"""Inventories of other tools, and tables, made into one of ours."""
