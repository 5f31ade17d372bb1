"""Arrays nested in an element's group: numbers, tables, labelled and sparse arrays, AnnData and MuData.

Owns how they are stored and read. Knows no backend, and each library only where its data are encoded.
"""
