"""The diffusion autoencoder of Preechakul et al. (2022): its network, and the conversion of its checkpoint."""
