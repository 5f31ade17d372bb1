"""Commands on the condition of an object: `check`, `verify`, `upgrade`.

Owns nothing but their words; each module is a public call with words around it.
"""
