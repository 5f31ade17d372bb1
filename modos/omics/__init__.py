"""What a file is: the formats of omics data and the files that go with them.

Owns the formats registry. Must not know the digital object.
"""

from modos.omics.formats import companions_of, index_names

__all__ = ["companions_of", "index_names"]
