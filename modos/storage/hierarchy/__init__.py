"""The zarr v3 hierarchy of an object: its documents as bytes, and as zarr sees it.

Holds no code of its own.
"""
