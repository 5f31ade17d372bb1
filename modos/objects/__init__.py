"""The digital object from within: what it says at a moment, planned edits, and how they are made to happen.

Owns the pieces that `modos.api.MODO` puts together. Must not know a backend or an omics format by name.
"""
