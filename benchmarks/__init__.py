"""Measurements of this project beside its peers and its paper: one script a question."""
