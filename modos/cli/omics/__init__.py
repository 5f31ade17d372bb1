"""Commands on what is in the files of an object: regions, sequences, tables, headers, indexes, references.

Owns nothing but their words; each module is a public call with words around it.
"""
