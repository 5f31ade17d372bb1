"""Commands on what has been done to an object: `log`, `diff`, `undo`, `trash`.

Owns nothing but their words; each module is a public call with words around it.
"""
