"""Models: the embedded one and public ones, loaded as an `interface.Model`. May import `studio.core`, `studio.images`.

Reading order: interface (what a run needs of a model), embedded (the clay world), registry (public models), hub (their
files), detect (the kind of a folder), completeness (missing files), placement (device, precision, memory), adapters
(networks as denoisers), latents (autoencoders), diffae (the diffusion autoencoder), build (files -> networks), options
(prompt, guidance), pipelines (of diffusers), losses (CLIP and face networks), load (all of these), holder (one model at
a time), domain (out-of-distribution images), memory (bytes of a run). convert, status, cli and __main__ are the command
line: `python -m studio.models check` lists the models that are ready.
"""
