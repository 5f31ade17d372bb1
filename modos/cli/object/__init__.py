"""Commands on one object: `create`, `add`, `update`, `remove`, `show`, `export`, `publish`, `query`, `pack`, `unpack`.

Owns nothing but their words; each module is a public call with words around it.
"""
