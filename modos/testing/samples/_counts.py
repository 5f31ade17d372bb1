"""A gene expression matrix of blood cells: genes by samples, integer counts.

Owns the genes and how strongly blood cells express them. Knows nothing of the other files of the study.
"""

from collections.abc import Sequence
from random import Random

from modos.testing.samples._study import Donor

DISPERSION = 0.08  # of the gamma distribution between donors; about 0.3 as a coefficient of variation
EXPRESSION = {  # mean counts in women and in men
    "ACTB": (9_200, 9_200),
    "B2M": (14_500, 14_500),
    "CD14": (640, 640),
    "CD19": (210, 210),
    "CD3E": (1_150, 1_150),
    "CD4": (720, 720),
    "CD79A": (380, 380),
    "CD8A": (530, 530),
    "DDX3Y": (0, 460),
    "FCGR3A": (690, 690),
    "GAPDH": (4_100, 4_100),
    "GNLY": (1_320, 1_320),
    "IL7R": (1_480, 1_480),
    "KDM5D": (0, 280),
    "LYZ": (3_900, 3_900),
    "MS4A1": (340, 340),
    "NKG7": (1_760, 1_760),
    "PTPRC": (5_300, 5_300),
    "RPS4Y1": (0, 720),
    "RUNX1": (610, 610),
    "S100A8": (2_700, 2_700),
    "S100A9": (3_300, 3_300),
    "SOD1": (880, 880),
    "XIST": (930, 0),
}


def count_matrix(rng: Random, donors: Sequence[Donor]) -> str:
    """Return a TSV: a header of sample names, then per gene its symbol and one count per donor.

    Genes of the Y chromosome are silent in women and XIST is in men, so that the sex of a sample can be read from it.
    """
    depths = [rng.uniform(0.8, 1.25) for _ in donors]
    rows = [["gene", *(donor.name for donor in donors)]]
    for gene, (female, male) in EXPRESSION.items():
        means = [
            depth * (female if donor.sex == "Female" else male) for donor, depth in zip(donors, depths, strict=True)
        ]
        spread = [rng.gammavariate(1 / DISPERSION, DISPERSION) for _ in donors]
        rows.append([gene, *(str(round(mean * factor)) for mean, factor in zip(means, spread, strict=True))])
    return "".join("\t".join(row) + "\n" for row in rows)
