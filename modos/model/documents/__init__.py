"""Documents that describe digital objects: lists of entries in YAML, JSON, tables or RDF.

Owns how they are read and written, and where in them a mistake is. Must not know what becomes of the entries.
"""

from modos.model.documents.entries import Entry, Origin
from modos.model.documents.reading import DOCUMENT_FORMATS, DocumentFormat, load_document, name_of
from modos.model.documents.writing import dump_document

__all__ = ["DOCUMENT_FORMATS", "DocumentFormat", "Entry", "Origin", "dump_document", "load_document", "name_of"]
