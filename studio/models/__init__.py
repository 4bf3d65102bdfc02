"""Real models behind the same page: what there is, where it comes from, and how it becomes an `interface.Model`.

Reading order: registry (what there is), source (where its files are), recognise (what a folder holds), place (device,
precision and ways to save memory), adapters (networks -> the denoiser contract), latents (pictures <-> latents), text
(prompts -> z), diffae (the diffusion autoencoder), parts (files -> parts of a model), judges (CLIP and face networks),
load (all of it), holder (one at a time). estimate measures memory from configurations alone; status and __main__ tell
a person. `python -m studio.models check` says what is ready here.
"""
