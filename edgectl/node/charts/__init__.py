"""Helm releases: installed when chart, values or an owned field differs, and only then."""
