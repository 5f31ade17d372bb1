"""A storage for those who know nothing of ours: as an fsspec filesystem, as one of Arrow, and as a path.

Owns how the words of other libraries become the verbs of the contract. Must not know any backend by name.
"""
