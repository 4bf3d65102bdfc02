"""The models on offer and their files: registry (public models), hub (where their files are), detect (the kind of a
folder), completeness (missing files, weights that are not finite).
"""
