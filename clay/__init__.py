"""The embedded world: rendered faces, words for them, and small networks trained on both."""
