"""The networks of the embedded world: autoencoder, CLIP, identity embedders, attribute reader.

May import `clay.people`.
"""
