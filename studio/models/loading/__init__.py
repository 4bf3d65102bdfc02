"""Files -> an `interface.Model`: convert (weights to safetensors), build (parts of a model), pipelines (of diffusers),
load (all of these).
"""
