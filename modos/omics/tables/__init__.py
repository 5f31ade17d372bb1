"""Tables of files: which tables there are, and their rows as Arrow, a piece at a time or at once.

Owns what may be asked of a table, and how each format answers. Must not know digital objects.
"""
