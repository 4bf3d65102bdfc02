"""Settings, presets, goals, gradient methods, links, texts and errors: data and registries without tensors.

Imports nothing of the other packages of `studio`.
"""
