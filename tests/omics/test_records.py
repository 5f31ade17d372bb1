"""Tables hold what the records say, and pandas and polars take them."""

import pandas as pd
import polars as pl
import pysam
import pytest

from modos.errors import InvalidInputError
from modos.omics import read_region
from modos.storage import LocalStorage


def test_a_table_of_reads(sample):
    """Each column is what pysam calls it; places that there are not are null."""
    made = sample("bam bai")
    table = read_region(LocalStorage(made.folder), made.name, ["chrM:1-9,000", "*"])
    with made.open() as local:
        reads = [*local.fetch("chrM", 0, 9_000), *local.fetch("*")]
    rows = table.to_pylist()
    assert len(rows) == len(reads)
    for row, read in zip(rows, reads, strict=True):
        fields = read.to_string().split("\t")
        assert [row["name"], str(row["flag"]), row["contig"] or "*"] == fields[:3]
        assert [row["sequence"], row["qualities"], row["tags"]] == [fields[9], fields[10], "\t".join(fields[11:])]
        assert (row["cigar"], row["end"]) == (read.cigarstring, read.reference_end)
        assert row["start"] == (None if read.reference_id < 0 else read.reference_start)
    assert table.to_pandas()["start"].isna().sum() == 300
    assert pl.DataFrame(table)["name"].to_list() == [read.query_name for read in reads]


@pytest.mark.parametrize("kind", ["vcf.gz tbi", "bcf csi"])
def test_a_table_of_variants(kind, sample):
    """Fields are as VCF writes them, a column of the structure for each sample."""
    made = sample(kind)
    table = read_region(LocalStorage(made.folder), made.name, "chrA:1-20000")
    with made.open() as local:
        records = list(local.fetch("chrA", 0, 20_000))
    assert table.num_rows == len(records) > 100
    for row, record in zip(table.to_pylist(), records, strict=True):
        fields = str(record).rstrip("\n").split("\t")
        assert [row["contig"], row["start"] + 1, row["ref"], ",".join(row["alts"])] == [
            fields[0],
            int(fields[1]),
            *fields[3:5],
        ]
        assert [row["info"] or ".", row["format"], *row["samples"].values()] == fields[7:]
        assert (row["end"], row["quality"], row["filters"]) == (record.stop, record.qual, [])
    assert list(table.to_pylist()[0]["samples"]) == ["s1", "s2", "s3"]
    assert isinstance(table.to_pandas(), pd.DataFrame)


def test_a_table_of_lines(tmp_path):
    """BED comes with contig, start, end and the line."""
    (tmp_path / "x").write_text("a\t5\t9\tgene\n")
    pysam.tabix_compress(str(tmp_path / "x"), str(tmp_path / "x.bed.gz"))
    pysam.tabix_index(str(tmp_path / "x.bed.gz"), preset="bed")
    table = read_region(LocalStorage(tmp_path), "x.bed.gz", "a:6")
    assert table.to_pylist() == [{"contig": "a", "start": 5, "end": 9, "line": "a\t5\t9\tgene"}]


def test_some_columns(sample):
    """Only those that were asked for come, in that order; a wrong one is told."""
    made = sample("bcf csi")
    storage = LocalStorage(made.folder)
    table = read_region(storage, made.name, "chrA", columns=["ref", "start"])
    assert table.column_names == ["ref", "start"]
    assert read_region(storage, made.name, "empty1").num_rows == 0
    with pytest.raises(InvalidInputError, match="no column 'strat'; did you mean 'start'"):
        read_region(storage, made.name, "chrA", columns=["strat"])
