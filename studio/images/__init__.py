"""Images in and out: files, crops, faces, differences, labels.

May import `studio.core`.
"""
