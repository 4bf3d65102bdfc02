"""The renderer: the signed distance field of a face, its colours and light, and images of it.

May import `clay.people`.
"""
