"""Commands on the genomics files of an object: `stream`, `fetch-sequence`, `index`.

Owns nothing but their words; each module is a public call with words around it.
"""
