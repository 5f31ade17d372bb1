"""mzTab: every table of every version as the specification types it, and no damaged file taken for a whole one."""

import gzip
import random
import time
from pathlib import Path

import pytest

from modos.errors import IntegrityError, InvalidInputError
from modos.omics import (
    list_tables,
    parse_parameter,
    parse_parameters,
    read_facts,
    read_mztab_metadata,
    read_table,
    scan_table,
)
from modos.storage import LocalStorage
from modos.testing.samples import write_samples

REAL = Path(__file__).parents[3] / "shared" / "data" / "metabolomics"

PROTEOMICS = """\
COM\tmade by hand
MTD\tmzTab-version\t1.0.0
MTD\tmzTab-mode\tComplete
MTD\tmzTab-type\tQuantification
MTD\tsample[1]-species[1]\t[NEWT, 9606, Homo sapiens (Human), ]
MTD\tsample[1]-tissue[1]\t[BTO, BTO:0000759, liver, ]
MTD\tsample[2]\tplasma2
MTD\tsample[2]-custom[1]\t[PATO, PATO:0000383, female, ]
MTD\tsoftware[1]\t[MS, MS:1001207, Mascot, 2.3]
MTD\tinstrument[1]-name\t[MS, MS:1000449, LTQ Orbitrap, ]
MTD\tms_run[1]-location\tfile:///home/someone/run1.raw

PRH\taccession\ttaxid\tsearch_engine\tbest_search_engine_score[1]\tambiguity_members\tprotein_coverage\topt_global_x
PRT\tP63017\t10090\t[MS,MS:1001207,Mascot,]\t46\tQ340U4,P16627\t0.34\t007
PRT\tP14602\tnull\tnull\tnull\tnull\tINF\tnull

PEH\tsequence\tunique\tretention_time\tcharge\tmass_to_charge
PEP\tKVPQVSTPTLVEVSR\t0\t10.2|11.5\t2\t1234.4
PEP\tVFDEFKPLVEEPQNLIK\t1\tnull\t3\tNaN

PSH\tsequence\tPSM_ID\tunique\tmodifications\tspectra_ref\tpre\tstart
PSM\tQTQTFTTYSDNQPGVL\t1\t1\t3-UNIMOD:21\tms_run[1]:scan=1296 | ms_run[1]:scan=3\tK\t1
PSM\tAVVNGYSASDTVGAGFAQAK\t2\tnull\tnull\tnull\t-\tnull
"""

TYPES = {
    ("SML", "SML_ID"): "int64",
    ("SML", "SMF_ID_REFS"): "list<item: int64>",
    ("SML", "chemical_name"): "list<item: string>",
    ("SML", "theoretical_neutral_mass"): "list<item: double>",
    ("SML", "reliability"): "string",
    ("SML", "abundance_assay[1]"): "double",
    ("SMF", "charge"): "int64",
    ("SMF", "isotopomer"): "string",
    ("SME", "spectra_ref"): "list<item: string>",
    ("SME", "rank"): "int64",
    ("PRT", "ambiguity_members"): "list<item: string>",
    ("PRT", "taxid"): "int64",
    ("PRT", "opt_global_x"): "string",
    ("PEP", "retention_time"): "list<item: double>",
    ("PEP", "unique"): "bool",
    ("PSM", "PSM_ID"): "int64",
    ("PSM", "start"): "int64",
}


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """A place with the metabolites of the samples (mzTab-M) and peptides (mzTab 1.0)."""
    from modos.storage import LocalStorage

    folder = tmp_path_factory.mktemp("mztab")
    files = write_samples(folder / "samples")
    storage = LocalStorage(folder)
    storage.put(files.metabolites.read_bytes(), "m.mztab")
    storage.put(PROTEOMICS.encode(), "p.mzTab")
    return storage


@pytest.mark.parametrize(("table", "column"), TYPES, ids="-".join)
def test_columns_have_the_types_of_the_specification(table, column, storage):
    """Of mzTab-M and of mzTab 1.0; what the specification leaves open is text."""
    file = "p.mzTab" if table.startswith("P") else "m.mztab"
    found = read_table(storage, file, table, columns=[column])
    assert str(found.schema.field(column).type) == TYPES[table, column]
    assert found.num_rows > 0


def test_values_are_those_of_the_file(storage):
    """Null is null, lists are lists, truth is truth, and numbers that are none have their own value."""
    assert read_table(storage, "p.mzTab", "PRT").to_pylist() == [
        {
            "accession": "P63017",
            "taxid": 10090,
            "search_engine": ["[MS,MS:1001207,Mascot,]"],
            "best_search_engine_score[1]": 46.0,
            "ambiguity_members": ["Q340U4", "P16627"],
            "protein_coverage": 0.34,
            "opt_global_x": "007",
        },
        {
            "accession": "P14602",
            "taxid": None,
            "search_engine": None,
            "best_search_engine_score[1]": None,
            "ambiguity_members": None,
            "protein_coverage": float("inf"),
            "opt_global_x": None,
        },
    ]
    peptides = read_table(storage, "p.mzTab", "PEP", columns=["retention_time", "unique"])
    assert peptides.to_pylist() == [
        {"retention_time": [10.2, 11.5], "unique": False},
        {"retention_time": None, "unique": True},
    ]
    references = read_table(storage, "p.mzTab", "psm", columns=["spectra_ref"])["spectra_ref"].to_pylist()
    assert references == [["ms_run[1]:scan=1296", "ms_run[1]:scan=3"], None]
    as_text = read_table(storage, "p.mzTab", "PEP", types="text")
    assert as_text["retention_time"].to_pylist() == ["10.2|11.5", None]


def test_tables_metadata_and_comments_are_listed(storage):
    """In the order of the file; metadata and comments are tables, too."""
    assert list(list_tables(storage, "p.mzTab")) == ["PRT", "PEP", "PSM", "MTD", "COM"]
    metadata = read_table(storage, "p.mzTab", "MTD").to_pylist()
    assert metadata[0] == {"key": "mzTab-version", "value": "1.0.0"}
    assert read_table(storage, "p.mzTab", "COM").to_pylist() == [{"line": 1, "comment": "made by hand"}]
    assert read_table(storage, "p.mzTab").column_names[0] == "accession"
    with pytest.raises(InvalidInputError, match="has no table SMF; it has PRT, PEP, PSM, MTD"):
        read_table(storage, "p.mzTab", "SMF")
    with pytest.raises(InvalidInputError, match="did you mean 'PSM'"):
        read_table(storage, "p.mzTab", "PSN")


def test_metadata_as_a_tree(storage):
    """Indices become numbers, parameters what they consist of."""
    tree = read_mztab_metadata(storage, "p.mzTab")
    assert tree["sample"][1]["species"][1]["accession"] == "9606"
    assert tree["sample"][2]["value"] == "plasma2"
    assert tree["instrument"][1]["name"]["name"] == "LTQ Orbitrap"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[MS, MS:1001207, Mascot, 2.3]", ("MS", "MS:1001207", "Mascot", "2.3")),
        ("[,,own,]", (None, None, "own", None)),
        ('[MOD, MOD:00648, "N,O-diacetylated L-serine", ]', ("MOD", "MOD:00648", "N,O-diacetylated L-serine", None)),
    ],
)
def test_parameters(text, parts):
    """Commas in quotes part nothing."""
    found = parse_parameter(text)
    assert (found.label, found.accession, found.name, found.value) == parts
    assert parse_parameters(f"{text} | {text}|") == [found, found]


@pytest.mark.parametrize("text", ["Mascot", "[MS, MS:1001207]", ""])
def test_what_is_no_parameter(text):
    with pytest.raises(InvalidInputError, match="is no parameter"):
        parse_parameter(text)


def test_some_columns_some_rows_some_conditions(storage):
    """Columns come in the order that was asked for; conditions may be on others."""
    whole = read_table(storage, "m.mztab", "SML")
    some = read_table(storage, "m.mztab", "SML", columns=["chemical_name", "SML_ID"], rows=(2, 5))
    assert some.equals(whole.select(["chemical_name", "SML_ID"]).slice(2, 3))
    wanted = [("abundance_assay[1]", ">", 5e7), ("SML_ID", "in", [3, 7, 12])]
    chosen = read_table(storage, "m.mztab", "SML", columns=["chemical_name"], filter=wanted)
    expected = [
        row["chemical_name"]
        for row in whole.to_pylist()
        if row["abundance_assay[1]"] > 5e7 and row["SML_ID"] in {3, 7, 12}
    ]
    assert chosen["chemical_name"].to_pylist() == expected != []
    with pytest.raises(InvalidInputError, match="no column 'chemical'; did you mean"):
        read_table(storage, "m.mztab", "SML", filter=[("chemical", "==", 2)])
    with pytest.raises(InvalidInputError, match="is no condition"):
        read_table(storage, "m.mztab", "SML", filter=[("SML_ID", "~", 2)])


ODD = {
    "line ends of DOS": lambda text: text.replace("\n", "\r\n"),
    "no line end at the end": lambda text: text.rstrip("\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "empty cells at the end": lambda text: text.replace("\n", "\t\t\t\n"),
    "comments between rows": lambda text: text.replace("\nPSM\tAVV", "\n\nCOM\tx\nPSM\tAVV"),
    "quoted cells": lambda text: text.replace("3-UNIMOD:21", '"3-UNIMOD:21"'),
    "numbers written in another way": lambda text: text.replace(
        "PSM\tQTQTFTTYSDNQPGVL\t1\t", "PSM\tQTQTFTTYSDNQPGVL\t1.0 \t"
    ),
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_odd_files_are_read_alike(change, storage):
    """What programs write beside the specification changes no value."""
    storage.put(change(PROTEOMICS).encode(), "odd.mztab")
    for table in ("PRT", "PEP", "PSM"):
        read = [str(read_table(storage, name, table).to_pylist()) for name in ("odd.mztab", "p.mzTab")]
        assert read[0] == read[1]


MALFORMED = {
    "a cell too few": ("PSM\tAVVNGYSASDTVGAGFAQAK\t2\t", "PSM\tAVVNGYSASDTVGAGFAQAK\t", 23, "6 cells where the header of PSM has 7"),
    "a cell too many": ("PEP\tKV", "PEP\tx\tKV", 18, "6 cells where the header of PEP has 5"),
    "no whole number": ("P63017\t10090", "P63017\tmouse", 14, "taxid is 'mouse', which is no whole number"),
    "no number": ("1234.4", "12,4", 18, "mass_to_charge is '12,4', which is no number"),
    "no list of numbers": ("10.2|11.5", "10.2;11.5", 18, "retention_time is '10.2;11.5', which is no list"),
    "no truth": ("AVVNGYSASDTVGAGFAQAK\t2\tnull", "AVVNGYSASDTVGAGFAQAK\t2\t7", 23, "unique is '7', which is no 0 or 1"),
    "an unknown prefix": ("PEP\tVF", "PEX\tVF", 19, "begins with 'PEX'"),
    "a row before its header": ("PRH\t", "PSM\tx\nPRH\t", 13, "a row of PSM comes before its header"),
    "a second header": ("PEP\tVF", "PRH\tx\nPEP\tVF", 19, "a second header of PRT; the first is line 13"),
    "a column twice": ("PEH\tsequence\tunique", "PEH\tsequence\tsequence", 17, "names the column 'sequence' twice"),
    "not UTF-8": ("KVPQVS", "\udcff", 18, "not UTF-8"),
}  # fmt: skip


def read_all(storage, file):
    return [read_table(storage, file, table) for table in ("PRT", "PEP", "PSM")]


@pytest.mark.parametrize("case", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_line_is_named(case, storage):
    """By its number, in whichever piece and table it is."""
    old, new, line, reason = case
    assert PROTEOMICS.count(old) == 1
    storage.put(PROTEOMICS.replace(old, new).encode("utf-8", "surrogateescape"), "bad.mztab")
    with pytest.raises(IntegrityError, match=rf"bad\.mztab: line {line}: .*{reason}"):
        read_all(storage, "bad.mztab")


def test_damage_in_another_table_is_noticed(storage):
    """The last line was cut: no table of the file is taken for whole."""
    storage.put(PROTEOMICS[: PROTEOMICS.rindex("\tnull\t-")].encode(), "cut.mztab")
    for table in ("PRT", "PSM", "MTD"):
        with pytest.raises(IntegrityError, match="line 23: 4 cells where the header of PSM has 7"):
            read_table(storage, "cut.mztab", table)


@pytest.mark.parametrize("content", [b"", b"MTD\ttitle\tx\n", b"\x1f\x8b", b"COM\tx\n"])
def test_what_is_no_mztab(content, storage):
    storage.put(content, "none.mztab")
    with pytest.raises(IntegrityError, match=r"none\.mztab"):
        read_table(storage, "none.mztab", "MTD")


def test_compressed_files(storage):
    """Gzip in several streams, as bgzip writes it, is read as the plain file; cut off or damaged it is refused."""
    plain = storage.read("m.mztab")
    half = len(plain) // 2
    packed = gzip.compress(plain[:half]) + gzip.compress(plain[half:])
    storage.put(packed, "m2.mztab.gz")
    assert read_table(storage, "m2.mztab.gz", "SMF").equals(read_table(storage, "m.mztab", "SMF"))
    assert read_facts(storage, "m2.mztab.gz") == read_facts(storage, "m.mztab")
    storage.put(packed[:-9], "cut.mztab.gz")
    with pytest.raises(IntegrityError, match="cut off"):
        read_table(storage, "cut.mztab.gz", "SML")
    storage.put(packed[:100] + b"\0\0\0\0" + packed[104:], "spoilt.mztab.gz")
    with pytest.raises(IntegrityError, match="cannot be decompressed"):
        read_table(storage, "spoilt.mztab.gz", "SML")


def test_large_files_come_in_pieces(storage, monkeypatch):
    """Whatever the size of the pieces, rows are the same; a scan has one batch for a piece, and knows its columns at once."""
    rows = 3_000
    lines = ["MTD\tmzTab-version\t2.0.0-M", "SFH\tSMF_ID\tcharge", *(f"SMF\t{n}\t{n % 3}" for n in range(rows))]
    storage.put("\n".join(lines).encode(), "long.mztab")
    expected = [{"SMF_ID": n, "charge": n % 3} for n in range(rows)]
    for size in (37, 1000, 1 << 20):
        monkeypatch.setattr("modos.omics.files._PIECE", size)
        reader = scan_table(storage, "long.mztab", "SMF")
        assert reader.schema.names == ["SMF_ID", "charge"]
        assert reader.read_all().to_pylist() == expected
    monkeypatch.setattr("modos.omics.files._PIECE", 1000)
    assert len(list(scan_table(storage, "long.mztab", "SMF"))) > 20
    short = next(iter(scan_table(storage, "long.mztab", "SMF", rows=(5, 7))))
    assert short["SMF_ID"].to_pylist() == [5, 6]


def test_many_assays_take_time_in_proportion(tmp_path):
    """Each has its columns: four times as many take about four times as long, not sixteen."""
    storage = LocalStorage(tmp_path)

    def took(count: int) -> float:
        names = (f"abundance_assay[{number}]" for number in range(1, count))
        header = "MTD\tmzTab-version\t2.0.0-M\nMTD\tmzTab-ID\twide\nSMH\tSML_ID\t" + "\t".join(names)
        storage.put(f"{header}\nSML\t1{'\t1.5' * (count - 1)}\n".encode(), "wide.mztab")
        times = []
        for _ in range(3):
            before = time.process_time()
            assert len(list_tables(storage, "wide.mztab")["SML"]) == count
            times.append(time.process_time() - before)
        return min(times)

    assert took(12_000) < 8 * took(3_000)


def test_random_damage_is_an_error_or_harmless(storage):
    """Bytes changed, cut out or doubled at random: a table or an `IntegrityError`, never anything else."""
    chance = random.Random("damage")
    content = PROTEOMICS.encode()
    refused = 0
    for _ in range(120):
        start, length = chance.randrange(len(content)), chance.choice((1, 1, 5, 40))
        middle = chance.choice((b"", b"\t", b"\n", b"\xff", content[start : start + length] * 2))
        storage.put(content[:start] + middle + content[start + length :], "damaged.mztab")
        for table in ("PRT", "PEP", "PSM", "MTD"):
            try:
                read_table(storage, "damaged.mztab", table).validate(full=True)
            except (IntegrityError, InvalidInputError) as error:
                refused += "damaged.mztab" in str(error)
    assert refused > 40


@pytest.mark.skipif(not REAL.is_dir(), reason="needs real files")
def test_real_files():
    """Each table has as many rows as the file has lines of it."""
    from modos.storage import LocalStorage

    storage = LocalStorage(REAL)
    for path in sorted(REAL.glob("*.mztab")):
        lines = path.read_text().splitlines()
        for table in list_tables(storage, path.name):
            found = read_table(storage, path.name, table)
            assert found.num_rows == sum(line.startswith(f"{table}\t") for line in lines)
