"""Commands on one object, its elements and its description; `publish`, `query`, `pack` and `unpack` stand here, too.

Owns nothing but their words; each module is a public call with words around it.
"""
