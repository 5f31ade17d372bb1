"""The encrypted files of an object: read as if they were plain, made, opened again, and given to others.

Owns what encryption means for an object and its metadata. Must not know how crypt4gh works.
"""
