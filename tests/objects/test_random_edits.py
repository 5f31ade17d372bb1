"""Any sequence of edits: what an object says and holds agrees with a plain model of it, also when it is opened anew."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from modos import MODO
from modos.errors import ModosError
from modos.objects.snapshot import Snapshot
from modos.storage import ROOT_DOCUMENT

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.sampled_from(["x.bam", "y.bam", "dir/x.bam", "dir", "x.bam.bai"])
BODIES = st.sampled_from([b"one", b"two two", b""])


class Edits(RuleBasedStateMachine):
    """Samples and data entities with files; an edit that the model does not allow must be refused and change nothing."""

    @initialize()
    def create(self):
        self.scratch = Path(tempfile.mkdtemp())
        self.modo = MODO.create(self.scratch / "ex")
        self.said: dict[str, dict[str, object]] = {}
        self.files: dict[str, bytes] = {}

    def source(self, body: bytes, index: bytes | None) -> Path:
        shutil.rmtree(self.scratch / "in", ignore_errors=True)
        (self.scratch / "in").mkdir()
        (self.scratch / "in/reads.bam").write_bytes(body)
        if index is not None:
            (self.scratch / "in/reads.bai").write_bytes(index)
        return self.scratch / "in/reads.bam"

    def paths_of(self, key: str) -> set[str]:
        path = str(self.said[key]["data_path"])
        return {path, f"{path}.bai", f"{path}.csi"} if path.endswith(".bam") else {path}

    def is_free(self, path: str, names: set[str], besides: str = "") -> bool:
        taken = {
            name for key in self.said if "data_path" in self.said[key] and key != besides for name in self.paths_of(key)
        }
        inside = any(name.startswith(f"{path}/") or path.startswith(f"{name}/") for name in taken)
        return not (names & taken) and not inside

    def attempt(self, is_allowed, edit) -> bool:
        if is_allowed:
            edit()
        else:
            with pytest.raises(ModosError):
                edit()
        return is_allowed

    @rule(name=NAMES, sex=st.sampled_from(["Male", "Female", None]))
    def add_sample(self, name, sex):
        given = {"@type": "Sample", "id": name, "sex": sex}
        if self.attempt(f"sample/{name}" not in self.said, lambda: self.modo.add_element(given)):
            self.said[f"sample/{name}"] = {"@type": "Sample"} | ({"sex": sex} if sex else {})

    @rule(name=NAMES, path=PATHS, body=BODIES, index=st.none() | BODIES, sample=NAMES)
    def add_data(self, name, path, body, index, sample):
        given = {"@type": "DataEntity", "id": name, "data_path": path, "data_format": "BAM", "has_sample": sample}
        source = self.source(body, index)
        stored = {path: body} | ({f"{path}.bai": index} if index is not None and path.endswith(".bam") else {})
        is_allowed = (
            f"data/{name}" not in self.said and f"sample/{sample}" in self.said and self.is_free(path, {*stored})
        )
        if self.attempt(is_allowed, lambda: self.modo.add_element(given, source)):
            del given["id"]
            self.said[f"data/{name}"] = {
                **given,
                "has_sample": [f"sample/{sample}"],
                "data_checksum": hashlib.blake2b(body).hexdigest(),
            }
            self.files |= stored

    @rule(name=NAMES, sex=st.sampled_from(["Male", "Female", None]), text=st.text(max_size=3))
    def update_sample(self, name, sex, text):
        key = f"sample/{name}"
        new = {"sex": sex, "description": text or None}
        if "\x00" in text:
            return
        if self.attempt(key in self.said, lambda: self.modo.update_element(key, new)):
            merged = {**self.said[key], **new}
            self.said[key] = {slot: value for slot, value in merged.items() if value is not None}

    @rule(name=NAMES, body=BODIES, index=st.none() | BODIES)
    def replace_file(self, name, body, index):
        key = f"data/{name}"
        source = self.source(body, index)
        if key in self.said:
            path = str(self.said[key]["data_path"])
            stored = {path: body} | ({f"{path}.bai": index} if index is not None and path.endswith(".bam") else {})
            if self.attempt(self.is_free(path, {*stored}, key), lambda: self.modo.update_element(key, {}, source)):
                self.said[key]["data_checksum"] = hashlib.blake2b(body).hexdigest()
                self.forget(key)
                self.files |= stored
        else:
            self.attempt(is_allowed=False, edit=lambda: self.modo.update_element(key, {}, source))

    def forget(self, key):
        others = {
            name
            for other in self.said
            if other != key and "data_path" in self.said[other]
            for name in self.paths_of(other)
        }
        self.files = {name: body for name, body in self.files.items() if name not in self.paths_of(key) - others}

    @rule(key=st.sampled_from(["sample/a", "sample/b", "sample/c", "data/a", "data/b", "data/c"]))
    def remove(self, key):
        if self.attempt(key in self.said, lambda: self.modo.remove_element(key)):
            if key.startswith("data/"):
                self.forget(key)
            del self.said[key]
            for attributes in self.said.values():
                if attributes.get("has_sample") == [key]:
                    del attributes["has_sample"]

    @invariant()
    def agrees(self):
        if not hasattr(self, "modo"):
            return
        for modo in (self.modo, MODO(self.scratch / "ex")):
            assert {key: said for key, said in modo.metadata.items() if key != "ex"} == self.said
        assert {str(path): self.modo.storage.read(path) for path in self.modo.list_files()} == self.files
        groups = {str(path.parent.relative_to("data.zarr")) for path in self.modo.storage.list("data.zarr")}
        assert {path for path in groups if "/" in path} == {*self.said}
        root = self.modo.storage.read(ROOT_DOCUMENT)  # each edit has edited its text
        assert root == Snapshot.read(self.modo.storage).root().dump()

    def teardown(self):
        shutil.rmtree(self.scratch, ignore_errors=True)


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
