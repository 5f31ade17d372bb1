"""The zarr store meets what zarr demands of one: its suite and its state machines, on a real Swift."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from zarr.core.buffer import cpu
from zarr.testing.stateful import ZarrHierarchyStateMachine, ZarrStoreStateMachine
from zarr.testing.store import StoreTests

from modos.swift import SwiftStore


@pytest.mark.parametrize("prefix", ["", "ex/data.zarr"], ids=["container", "prefix"], scope="class")
class TestSwiftStore(StoreTests[SwiftStore, cpu.Buffer]):
    """What zarr demands of a store."""

    store_cls = SwiftStore
    buffer_cls = cpu.Buffer

    @pytest.fixture(autouse=True)
    def connected(self, raw):
        self.raw = raw

    async def set(self, store, key, value):
        self.raw.put_object(store.container, f"{store.prefix}/{key}".lstrip("/"), value.to_bytes())

    async def get(self, store, key):
        return self.buffer_cls.from_bytes(self.raw.get_object(store.container, f"{store.prefix}/{key}".lstrip("/"))[1])

    @pytest.fixture
    def store_kwargs(self, options, prefix):
        return {"container": "omics", "prefix": prefix, "storage_options": options}

    @pytest.fixture
    def store(self, open_kwargs):
        return asyncio.run(SwiftStore.open(**open_kwargs))

    @pytest.fixture
    def store_not_open(self, store_kwargs):
        return SwiftStore(**store_kwargs)

    def test_store_repr(self, store):
        assert repr(store) == f"SwiftStore('{store.url}')"
        assert store.url.endswith(f"/v1/AUTH_test/omics/{store.prefix}".rstrip("/"))

    def test_store_supports_writes(self, store):
        assert store.supports_writes

    def test_store_supports_listing(self, store):
        assert store.supports_listing


EXAMPLES = settings(
    max_examples=16, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.mark.parametrize("machine", [ZarrStoreStateMachine, ZarrHierarchyStateMachine])
@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
@pytest.mark.thorough
def test_state_machine(machine, raw, options):
    """Any sequence of what zarr does to a store leaves it as zarr's own model says."""
    run_state_machine_as_test(lambda: machine(SwiftStore("omics", "ex/data.zarr", options)), settings=EXAMPLES)
