"""What fsspec demands of a filesystem: its own suites, on a real Swift."""

import pytest
from fsspec.tests import abstract


class Swift(abstract.AbstractFixtures):
    """A container of a real Swift, which like any object store has no empty directories."""

    @pytest.fixture
    def fs(self, fs):
        return fs

    @pytest.fixture
    def fs_path(self):
        return "omics"

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self):
        return False


class TestCopy(abstract.AbstractCopyTests, Swift):
    """Copies within the service, of files, directories, globs and lists."""


class TestGet(abstract.AbstractGetTests, Swift):
    """Downloads of files, directories, globs and lists."""


class TestPut(abstract.AbstractPutTests, Swift):
    """Uploads of files, directories, globs and lists."""


class TestOpen(abstract.AbstractOpenTests, Swift):
    """Open files."""


class TestPipe(abstract.AbstractPipeTests, Swift):
    """Bytes written at once, with modes."""
