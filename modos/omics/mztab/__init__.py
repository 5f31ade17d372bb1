"""mzTab, the tables of proteomics and metabolomics by mass spectrometry (mzTab 1.0, mzTab-M 2.0 and 2.1).

Owns how its lines become tables and metadata. Must not know digital objects.
"""
