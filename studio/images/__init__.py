"""Reading, cropping, comparing and labelling images; finding faces in them.

May import `studio.core`.
"""
