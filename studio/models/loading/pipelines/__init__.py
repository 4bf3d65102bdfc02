"""Pipelines of diffusers as models: load (files -> pipeline), parts (pipeline -> fields of a `Model`)."""
