"""Reversible samplers: schemes (the published ones), measure (their errors)."""
