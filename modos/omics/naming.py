"""How encrypted files are called, and how index files follow the names of data files.

Owns these rules. Must not know how a file is encrypted; does no I/O.
"""

__all__ = ["SEALED", "is_sealed", "plain_name", "renamed", "sealed_name"]

SEALED = ".c4gh"
"""What names of files that crypt4gh encrypted end with, those of index files too."""


def is_sealed(name: str) -> bool:
    """Tell whether a name is that of an encrypted file."""
    return name.lower().endswith(SEALED)


def sealed_name(name: str) -> str:
    """Return what a file is called once it is encrypted.

    Examples
    --------
    >>> sealed_name("reads/demo1.bam")
    'reads/demo1.bam.c4gh'
    """
    return name + SEALED


def plain_name(name: str) -> str:
    """Return what a file is called once it is decrypted; a plain file as it is.

    Examples
    --------
    >>> plain_name("reads/demo1.bam.c4gh"), plain_name("demo1.bam")
    ('reads/demo1.bam', 'demo1.bam')
    """
    return name[: -len(SEALED)] if is_sealed(name) else name


def renamed(name: str, source: str, target: str) -> str:
    """Return what becomes of the name of an index file, or of a file in a directory, when its data file is renamed.

    Parameters
    ----------
    name
        Of the file.
    source, target
        Of the data file, before and after.

    Examples
    --------
    >>> renamed("a.bam.bai", "a.bam", "b.bam"), renamed("a.bam.bai.c4gh", "a.bam.c4gh", "b.bam.c4gh")
    ('b.bam.bai', 'b.bam.bai.c4gh')
    """
    if is_sealed(source) and is_sealed(target) and is_sealed(name) and name != source:
        return sealed_name(plain_name(target) + plain_name(name).removeprefix(plain_name(source)))
    return target + name.removeprefix(source)
