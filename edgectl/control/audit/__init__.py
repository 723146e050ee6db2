"""Audits on the operator's side: what was asked from here, what nodes tell of it, and whether that can be believed."""
