"""A caricature of a photographed face: measurements of the photograph, and the parameters of a scene that match them.

Reading order: frame (the crop in the frame of the eyes), network (segments and attributes of the crop), colours (skin
and hair), points (shape, pose and expression from 68 landmarks), guess (all of them together), scene (candidates). The
landmarks come from outside. May import `clay.people`, `clay.networks`.
"""
