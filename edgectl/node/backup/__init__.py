"""Backups of the cluster: taken on the lead, kept there, handed to an operator, put back on a fresh machine."""
