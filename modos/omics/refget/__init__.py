"""Reference sequences as they come in: read once, and named by their content as GA4GH refget does.

Owns digests of sequences and the index files of FASTA that fall out of the same reading. Must not know storages, nor the
digital object.
"""

from modos.omics.refget.intake import FastaIntake
from modos.omics.refget.scanning import SequenceDigest

__all__ = ["FastaIntake", "SequenceDigest"]
