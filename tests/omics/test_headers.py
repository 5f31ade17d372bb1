"""What headers say: read from the beginning of a file, in one request where it is short, without a path of any machine."""

import gzip
import json
import random

import pysam
import pytest

from modos.errors import IntegrityError
from modos.omics import Parameter, read_facts
from modos.omics.enrichment.terms import sex_of, taxon_of, term_of
from modos.storage import LocalStorage
from modos.testing import Proxy, write_samples

MD5 = "9c8fd6b4c5cfd7e4a4d0a7b2fd2c2a11"
HEADER = {
    "HD": {"VN": "1.6", "SO": "coordinate"},
    "SQ": [
        {"SN": "chr1", "LN": 1000, "M5": MD5.upper(), "UR": "/home/someone/genome.fa", "AS": "GRCh38"},
        {"SN": "HLA:01", "LN": 50, "UR": "https://example.org/genome.fa", "AS": "GRCh38"},
    ],
    "RG": [
        {"ID": "1", "SM": "donor1", "PL": "ILLUMINA", "LB": "lib1", "PU": "unit"},
        {"ID": "2", "SM": "donor1", "PL": "ILLUMINA"},
        {"ID": "3", "SM": "donor2", "PL": "ONT"},
    ],
    "PG": [
        {"ID": "bwa", "PN": "bwa", "VN": "0.7.17", "CL": "bwa mem /home/someone/genome.fa"},
        {"ID": "samtools", "PN": "samtools", "VN": "1.19", "PP": "bwa"},
        {"ID": "samtools.1", "PN": "samtools", "VN": "1.19", "PP": "samtools"},
    ],
}
VCF = f"""\
##fileformat=VCFv4.3
##source=freeBayes v1.3.6
##reference=https://example.org/genome.fa
##bcftools_callVersion=1.19+htslib-1.19
##bcftools_callCommand=call -o /home/someone/calls.bcf
##contig=<ID=chr1,length=1000,md5={MD5},assembly=GRCh38,species="Homo sapiens, human">
##contig=<ID=chr2>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype, called">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	donor1	donor 2
chr1	5	.	A	C	9	.	.	GT	0/1	0/0
"""


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """The same header in every format of alignments, and of variants."""
    folder = tmp_path_factory.mktemp("headers")
    for name, mode in (("a.bam", "wb"), ("a.sam", "wh"), ("a.cram", "wc")):
        header = pysam.AlignmentHeader.from_dict(HEADER)
        with pysam.AlignmentFile(
            str(folder / name), mode, header=header, format_options=[b"no_ref=1"] * (mode == "wc")
        ):
            pass
    (folder / "v.vcf").write_text(VCF)
    pysam.tabix_compress(str(folder / "v.vcf"), str(folder / "v.vcf.gz"))
    with pysam.VariantFile(str(folder / "v.vcf")) as source:
        header, records = source.header, list(source)
    with pysam.VariantFile(str(folder / "v.bcf"), "wb", header=header) as target:
        for record in records:
            target.write(record)
    storage = LocalStorage(folder)
    storage.put(gzip.compress(storage.read("a.sam")), "a.sam.gz")
    return storage


@pytest.mark.parametrize("file", ["a.bam", "a.sam", "a.sam.gz", "a.cram"])
def test_headers_of_alignments(file, storage):
    """Samples once each, sequences with digest and length, what made them; and no path, wherever one is hidden."""
    facts = read_facts(storage, file)
    assert [(each.name, each.number) for each in facts.samples] == [("donor1", 1), ("donor2", 2)]
    first, second = facts.sequences
    assert (first.name, first.length, first.md5, first.source_uri) == ("chr1", 1000, MD5, None)
    assert (second.name, second.length, second.source_uri) == ("HLA:01", 50, "https://example.org/genome.fa")
    assert dict(facts.reference) == {"version": "GRCh38"}
    assert facts.summary == "Platform: ILLUMINA, ONT; programs: bwa 0.7.17, samtools 1.19"
    assert facts.details["read_groups"][0] == {"ID": "1", "SM": "donor1", "LB": "lib1", "PL": "ILLUMINA", "PU": "unit"}
    assert facts.details["sort_order"] == "coordinate"
    assert "someone" not in json.dumps(dict(facts.details)) + str(facts)


@pytest.mark.parametrize("file", ["v.vcf", "v.vcf.gz", "v.bcf"])
def test_headers_of_variants(file, storage):
    """Samples, contigs, the reference, and what called them."""
    facts = read_facts(storage, file)
    assert [each.name for each in facts.samples] == ["donor1", "donor 2"]
    assert [(each.name, each.length, each.md5) for each in facts.sequences] == [
        ("chr1", 1000, MD5),
        ("chr2", None, None),
    ]
    assert dict(facts.reference) == {"version": "GRCh38", "source_uri": "https://example.org/genome.fa"}
    assert facts.summary == "Called by freeBayes v1.3.6, bcftools call 1.19"
    assert "someone" not in json.dumps(dict(facts.details)) + str(facts)


PROTEINS = """\
MTD\tmzTab-version\t1.0.0
MTD\ttitle\tLiver
MTD\tsample[1]-species[1]\t[NEWT, 9606, Homo sapiens (Human), ]
MTD\tsample[1]-tissue[1]\t[BTO, BTO:0000759, liver, ]
MTD\tsample[1]-description\tA liver
MTD\tsample[2]\tplasma2
MTD\tsample[2]-custom[1]\t[PATO, PATO:0000383, female, ]
MTD\tsample_processing[2]\t[MS, MS:1001251, Trypsin, ]
MTD\tsample_processing[1]\t[CHMO, CHMO:0001000, chromatography, ] | [, , by hand, ]
MTD\tsoftware[1]\t[MS, MS:1001207, Mascot, 2.3]
MTD\tinstrument[1]-name\t[MS, MS:1000449, LTQ Orbitrap, ]
MTD\tassay[1]-sample_ref\tsample[1]
MTD\tms_run[1]-location\tfile:///home/someone/run1.raw
MTD\turi[1]\thttps://example.org/study
PRH\taccession
PRT\tP63017
"""


def test_metadata_of_spectrometry(tmp_path):
    """Samples with terms for species, tissue and sex; software, instruments, processing in the order of its numbers."""
    storage = LocalStorage(tmp_path)
    storage.put(PROTEINS.encode(), "p.mztab")
    facts = read_facts(storage, "p.mztab")
    first, second = facts.samples
    assert (first.name, first.number) == (None, 1)
    assert dict(first.slots) == {
        "taxon_id": ["NCBITaxon:9606"],
        "source_material": "BTO:0000759",
        "description": "A liver",
    }
    assert (second.name, dict(second.slots)) == ("plasma2", {"sex": "Female"})
    assert facts.processing == ("http://purl.obolibrary.org/obo/CHMO_0001000", "MS:1001251")
    assert (dict(facts.slots), facts.summary) == ({"name": "Liver"}, "Instrument: LTQ Orbitrap; software: Mascot 2.3")
    assert facts.details["links"] == ["https://example.org/study"]
    assert "someone" not in json.dumps(dict(facts.details))


@pytest.mark.parametrize(
    ("parameter", "term", "taxon", "sex"),
    [
        (Parameter("NCBITAXON", "NCBITaxon:10090", "Mus musculus", None), "NCBITaxon:10090", "NCBITaxon:10090", None),
        (Parameter("NEWT", "9606", "Homo sapiens", None), None, "NCBITaxon:9606", None),
        (Parameter("cl", "cl:0000084", "T cell", None), "CL:0000084", None, None),
        (Parameter("PATO", "PATO:0000384", "male", None), "PATO:0000384", None, "Male"),
        (Parameter(None, None, "own", "1"), None, None, None),
        (Parameter("MS", "whatever it is", "own", None), None, None, None),
    ],
    ids=lambda each: each.name if isinstance(each, Parameter) else "",
)
def test_terms(parameter, term, taxon, sex):
    """Accessions become CURIEs of known prefixes, other IRIs, or nothing."""
    assert (term_of(parameter), taxon_of(parameter), sex_of(parameter)) == (term, taxon, sex)


def test_a_header_is_one_request(account, container, tmp_path):
    """Of whatever size the file is; a header that is longer takes one more for what is longer."""
    files = write_samples(tmp_path / "samples")
    long = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6"},
            "SQ": [{"SN": f"scaffold{n}", "LN": n + 1, "M5": f"{n * 7**20:032x}"[:32]} for n in range(4000)],
        }
    )
    for name, mode in (("long.bam", "wb"), ("long.cram", "wc")):
        with pysam.AlignmentFile(
            str(tmp_path / name), mode, header=long, format_options=[b"no_ref=1"] * (mode == "wc")
        ):
            pass
    with Proxy(account.server.url) as proxy:
        place = account.swift(container, storage_url=proxy.through(account.server.storage_url))
        for path in (files.cram, files.bam, files.vcf, files.bcf, files.metabolites):
            place.put(path, path.name)
            proxy.clear()
            assert len(read_facts(place, path.name).samples) in {1, 4}
            assert [request.method for request in proxy.requests] == ["GET"]
            assert sum(request.bytes_received for request in proxy.requests) <= 64 * 1024
        for name in ("long.bam", "long.cram"):
            place.put(tmp_path / name, name)
            proxy.clear()
            assert len(read_facts(place, name).sequences) == 4000
            assert len(proxy.requests) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.bam", b"BAM\x01\xff\xff\xff\x7f"),
        ("x.bam", b"not at all"),
        ("x.cram", b"CRAM\x03\0" + bytes(20)),
        ("x.cram", b"CRAM\x03\0" + bytes(400)),
        ("x.bcf", b"BCF\x02\x02\xff\0\0\0##file"),
        ("x.vcf", b"##fileformat=VCFv4.3\n##con"),
        ("x.vcf.gz", gzip.compress(VCF.encode(), mtime=0)[:-20]),
        ("x.mztab", b"MTD\ttitle\tx\n"),
        ("x.h5ad", b"\x89HDF\r\n\x1a\n"),
    ],
    ids=lambda given: f"{len(given)} bytes" if isinstance(given, bytes) else given,
)
def test_a_damaged_header_is_told(name, content, tmp_path):
    """By the name of the file, whatever its format and wherever its header is damaged or cut off."""
    storage = LocalStorage(tmp_path)
    storage.put(content, name)
    with pytest.raises(IntegrityError, match=name):
        read_facts(storage, name)


@pytest.mark.parametrize("file", ["a.bam", "a.sam.gz", "a.cram", "v.vcf.gz", "v.bcf"])
def test_random_damage_is_told_or_harmless(file, storage):
    """Bytes changed, cut out or put in at random: facts or an `IntegrityError`, never anything else."""
    chance = random.Random(file)
    whole = storage.read(file)
    told = 0
    for _ in range(80):
        start = chance.randrange(len(whole))
        middle = chance.choice((bytes([chance.randrange(256)]), b"", b"\0\0\0", b"\xff\xff"))
        storage.put(whole[:start] + middle + whole[start + 1 :], f"damaged-{file}")
        try:
            read_facts(storage, f"damaged-{file}")
        except IntegrityError as error:
            told += f"damaged-{file}" in str(error)
    assert told > 10


def test_files_without_headers(tmp_path):
    """Of which nothing is read, not even whether they are there."""
    assert read_facts(LocalStorage(tmp_path), "reads.fastq.gz") is None
    assert read_facts(LocalStorage(tmp_path), "what.ever") is None
