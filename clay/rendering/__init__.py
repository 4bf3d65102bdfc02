"""The renderer: a signed distance field of a face, its colours, its light, and pictures of it.

May import `clay.people`.
"""
