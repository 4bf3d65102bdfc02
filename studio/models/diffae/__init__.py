"""The diffusion autoencoder of Preechakul et al. (2022): the network and the conversion of its checkpoint."""
