"""What is damaged, cut off or does not belong together is an error that names the file; never a part of the answer."""

import random
import re
import shutil

import pysam
import pytest

from modos.errors import IntegrityError, InvalidInputError, KeyNotFoundError, ModosError
from modos.omics.regions.reading import open_indexed, stream_records
from modos.storage import LocalStorage
from modos.testing import Fault, Proxy

KINDS = ("bam bai", "bam csi", "cram 3.0", "cram 3.1 multi", "vcf.gz tbi", "vcf.gz csi", "bcf csi")


@pytest.fixture
def made(sample, tmp_path):
    """Copy the file of a kind with its index to a directory of the test, and return it with that storage."""

    def made(kind):
        found = sample(kind)
        for name in (found.name, found.index):
            shutil.copy(found.folder / name, tmp_path / name)
        return found, LocalStorage(tmp_path)

    return made


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


def everything(file, found):
    return [found.text(record) for record in file.stream(["chrA", "chrB", "last"], reference=found.reference)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off(kind, made, tmp_path):
    """Wherever the file ends too early, this is found when it is opened."""
    found, storage = made(kind)
    size = (tmp_path / found.name).stat().st_size
    for length in (size * 3 // 4, size // 2, size // 3):
        rewrite(tmp_path / found.name, lambda data, length=length: data[:length])
        with pytest.raises(IntegrityError, match=f"{found.index}.*index of {found.name}.*cut off") as caught:
            open_indexed(storage, found.name)
        assert caught.value.url.endswith(found.index)


def test_a_file_that_is_cut_off_behind_all_regions(made, tmp_path):
    """Regions are whole without the end of the file; who reads to the end is told."""
    found, storage = made("bam bai")
    whole = everything(open_indexed(storage, found.name), found)
    rewrite(tmp_path / found.name, lambda data: data[:-28])
    file = open_indexed(storage, found.name)
    assert everything(file, found) == whole
    for regions in ("*", None):
        with pytest.raises(IntegrityError, match=f"{found.name}: the file is cut off"):
            list(file.stream(regions))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_became_shorter_while_it_was_open(kind, made, tmp_path):
    """A range that comes short is an error that names the file."""
    found, storage = made(kind)
    file = open_indexed(storage, found.name)
    rewrite(tmp_path / found.name, lambda data: data[: len(data) * 2 // 3])
    with pytest.raises(
        IntegrityError, match=rf"{found.name}: of the bytes .* came .*: the file was replaced or is cut off"
    ):
        everything(file, found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_index_of_another_file(kind, made, sample, tmp_path):
    """An index that fits another file of about the same size is found out by what it points to."""
    found, storage = made(kind)
    other = {"bam": "bam bai", "cra": "cram plain", "vcf": "vcf.gz tbi", "bcf": "bcf csi"}[kind[:3]]
    path = tmp_path / "other"
    path.mkdir()
    _another(sample(other), path / found.name, found, kind)
    (path / found.index).replace(tmp_path / found.index)
    with pytest.raises(IntegrityError, match=re.escape(found.name)):
        everything(open_indexed(storage, found.name), found)


def _another(source, path, found, kind):
    """Write a file of every second record of another, which has the same contigs, with an index."""
    with source.open() as records:
        if source.is_variants:
            with pysam.VariantFile(str(path), "wb" if kind.startswith("bcf") else "wz", header=records.header) as file:
                for number, record in enumerate(records):
                    if number % 2:
                        file.write(record)
            pysam.tabix_index(str(path), preset=kind[:3], csi=found.index.endswith("csi"), force=True)
            return
        mode, options = ("wc", {"format_options": [b"no_ref=1"]}) if kind.startswith("cram") else ("wb", {})
        with pysam.AlignmentFile(str(path), mode, header=records.header, **options) as file:
            for number, record in enumerate(records.fetch(until_eof=True)):
                if number % 2:
                    file.write(record)
        pysam.index(*(["-c"] if found.index.endswith("csi") else []), str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_is_older_than_the_file(kind, made, tmp_path):
    """When the file was written anew, with more at its end, its old index is not believed."""
    found, storage = made(kind)
    old = tmp_path / "old"
    old.mkdir()
    with found.open() as records:
        names = [
            record for number, record in enumerate(records if found.is_variants else records.fetch(until_eof=True))
        ]
        names = names[: len(names) // 2]
        if found.is_variants:
            with pysam.VariantFile(
                str(old / found.name), "wb" if "bcf" in kind else "wz", header=records.header
            ) as file:
                for record in names:
                    file.write(record)
            pysam.tabix_index(str(old / found.name), preset=kind[:3], csi=found.index.endswith("csi"), force=True)
        else:
            mode, options = ("wc", {"reference_filename": found.reference}) if "cram" in kind else ("wb", {})
            with pysam.AlignmentFile(str(old / found.name), mode, header=records.header, **options) as file:
                for record in names:
                    file.write(record)
            pysam.index(*(["-c"] if found.index.endswith("csi") else []), str(old / found.name))
    shutil.copy(old / found.index, tmp_path / found.index)
    with pytest.raises(IntegrityError, match=r"older than the file|that of another"):
        open_indexed(storage, found.name)


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_is_damaged(kind, made, tmp_path):
    """An index that ends anywhere, or has other bits, is an error or no difference; nothing else comes out."""
    found, storage = made(kind)
    whole = (tmp_path / found.index).read_bytes()
    expected = everything(open_indexed(storage, found.name), found)
    chance = random.Random(kind)
    for length in [*range(40), *(chance.randrange(len(whole) - 9) for _ in range(20))]:
        (tmp_path / found.index).write_bytes(whole[:length])
        with pytest.raises(IntegrityError, match=found.index):
            open_indexed(storage, found.name)
    for _ in range(40):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        (tmp_path / found.index).write_bytes(data)
        try:
            answer = everything(open_indexed(storage, found.name), found)
        except ModosError:
            continue
        if not found.index.endswith(".bai"):  # which has no checksum
            assert answer == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_damaged(kind, made, tmp_path):
    """A bit that has turned within the records is an error; what came before it is right."""
    found, storage = made(kind)
    file = open_indexed(storage, found.name)
    expected = everything(file, found)
    whole = (tmp_path / found.name).read_bytes()
    chance = random.Random(kind)
    failed = 0
    for _ in range(25):
        data = bytearray(whole)
        data[chance.randrange(len(data) // 4, len(data) // 2)] ^= 1 << chance.randrange(8)
        (tmp_path / found.name).write_bytes(data)
        answer, message = [], ""
        try:
            for record in file.stream(["chrA", "chrB", "last"], reference=found.reference):
                answer += [found.text(record)]
        except IntegrityError as error:
            message = str(error)
            failed += 1
        assert answer == expected[: len(answer)]
        assert found.name in message or answer == expected
    assert failed > 15


def test_what_is_not_there(made, tmp_path):
    """A missing file and a missing index are told apart, and what makes an index is said."""
    found, storage = made("bam bai")
    with pytest.raises(KeyNotFoundError, match=r"none\.bam"):
        open_indexed(storage, "none.bam")
    (tmp_path / found.index).unlink()
    with pytest.raises(KeyNotFoundError, match=found.name) as caught:
        open_indexed(storage, found.name)
    assert "modos index" in caught.value.__notes__[0]
    with pytest.raises(InvalidInputError, match=r"'reads\.fastq' has no regions"):
        open_indexed(storage, "reads.fastq")
    with pytest.raises(InvalidInputError, match=r"compress it to \.vcf\.gz with bgzip"):
        open_indexed(storage, "calls.vcf")


def test_a_region_that_is_a_mistake(made):
    """It is refused by the call, before anything is read, and contigs with a name near are listed."""
    found, storage = made("bam bai")
    file = open_indexed(storage, found.name)
    for region, message in (
        ("chrC", "no contig 'chrC' in .*did you mean"),
        ("A", "did you mean 'chrA'"),
        ("MT:5-9", "did you mean 'chrM'"),
        ("chrA:9-5", "empty"),
        ("chrA:0-5", "count from 1"),
        ("chrA:five", "cannot be read|no contig"),
        ("nothing like it", "it has chrA, chrB"),
        (f"chrA:{'9' * 5000}", "cannot be read; regions look like"),
        ("{chrA}55-60", "cannot be read"),
        ("{chrA", "cannot be read"),
        ("{chrA}:", "cannot be read"),
        (("chrA", 0, 5), "0 is no region"),
        (5, "5 is no region"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            file.stream(region)


@pytest.mark.parametrize(
    "fault", [Fault(method="GET", status=503, times=99), Fault(method="GET", cut_after=100, times=99)]
)
def test_a_service_that_fails_half_way(fault, sample, account, container):
    """Its error comes out as it is, not as the end of the records."""
    made = sample("bam bai")
    with Proxy(account.server.url) as proxy:
        address = proxy.through(account.server.storage_url)
        storage = account.swift(container, storage_url=address, attempts=1)
        made.store(storage)
        file = open_indexed(storage, made.name)
        proxy.inject(fault)
        with pytest.raises(ModosError, match=made.name):
            list(file.stream())


def test_a_reference_that_is_missing_or_another(made, reference, genome, tmp_path):
    """A CRAM that cannot be decoded says what its reference has to do with it."""
    found, storage = made("cram 3.0")
    wrong = tmp_path / "wrong.fa"
    wrong.write_text(
        "".join(
            f">{line[1:]}" if line[0] == ">" else line.translate(str.maketrans("ACGT", "CATG"))
            for line in reference.read_text().splitlines(keepends=True)
        )
    )
    pysam.faidx(str(wrong))
    with pytest.raises(IntegrityError, match=rf"{found.name}.*the reference is another"):
        list(stream_records(storage, found.name, "chrA", reference=wrong))
    with pytest.raises(KeyNotFoundError, match=r"no\.fa"):
        list(stream_records(storage, found.name, "chrA", reference=tmp_path / "no.fa"))
    several, storage = made("cram 3.0 multi")  # whose slices have no digest of the reference
    longer = tmp_path / "longer.fa"
    longer.write_text("".join(f">{name}\nN{bases}\n" for name, bases in genome.items()))
    pysam.faidx(str(longer))
    with pytest.raises(IntegrityError, match=r"of chr\w+: has .* bases where the file says .*: it is another"):
        list(stream_records(storage, several.name, "chrA", reference=longer))


@pytest.fixture
def another(genome, tmp_path):
    """A genome with contigs of the same names and lengths, and other bases."""
    path = tmp_path / "another.fa"
    exchanged = str.maketrans("ACGT", "CATG")
    path.write_text("".join(f">{name}\n{bases.translate(exchanged)}\n" for name, bases in genome.items()))
    pysam.faidx(str(path))
    return path


class Counted(LocalStorage):
    """A directory that counts what is read of it by ranges."""

    count = 0

    def read_ranges(self, target, ranges, *, gap=0):
        """Count, and read."""
        found = super().read_ranges(target, ranges, gap=gap)
        self.count += sum(map(len, found))
        return found


@pytest.mark.parametrize("kind", ["cram 3.0 multi", "cram 3.1", "cram 3.1 multi"])
def test_another_reference_of_the_same_lengths(kind, sample, reference, another):
    """Where slices hold reads of several contigs, which have no digest, the MD5 in the header tells it before a read comes."""
    found = sample(kind)
    file = open_indexed(LocalStorage(found.folder), found.name)
    told = r"of \w+: has the MD5 \w{32} in .*another\.fa, where the file says \w{32}: it is another"
    for regions in (["scaffold_1", "scaffold_2"], None):
        with pytest.raises(IntegrityError, match=told):
            next(file.stream(regions, reference=another))
    with found.open() as local:
        expected = [found.text(read) for read in local.fetch("scaffold_1")]
    assert [found.text(read) for read in file.stream("scaffold_1", reference=reference)] == expected != []


def test_what_comparing_a_reference_costs(sample, reference, another, genome):
    """Of the contigs that are wanted each is read once, as long as the reference is the same; it is when it is replaced."""
    found = sample("cram 3.0 multi")
    file = open_indexed(LocalStorage(found.folder), found.name)
    path = another.with_name("reference.fa")
    for name in (path.name, f"{path.name}.fai"):
        shutil.copy(reference.parent / name, path.with_name(name))
    storage = Counted(path.parent)
    read = []
    for _ in range(2):
        before, at = storage.count, (storage, path.name)
        assert list(file.stream("chrM:500-900", reference=at))
        read.append(storage.count - before)
    assert read[0] - read[1] == len(genome["chrM"]) + len(genome["chrM"]) // 60  # with the ends of lines
    another.replace(path)
    pysam.faidx(str(path))
    with pytest.raises(IntegrityError, match="of chrM: has the MD5"):
        list(file.stream("chrM:500-900", reference=at))
