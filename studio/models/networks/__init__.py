"""Networks of public models: adapters (denoisers of diffusers), latents (autoencoders), diffae (the diffusion
autoencoder).
"""
