"""The embedded world: rendered faces, their captions, and small networks trained on them."""
