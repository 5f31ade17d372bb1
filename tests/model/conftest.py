import json
from pathlib import Path

import pytest

SAMPLE_OBJECT = Path(__file__).parents[3] / "shared" / "data" / "modo" / "ex" / "data.zarr"


@pytest.fixture
def sample_object():
    """Metadata of an object that the reference implementation wrote, as stored, by key."""
    if not SAMPLE_OBJECT.is_dir():
        pytest.skip("the sample object is not at hand")
    found = {}
    for path in sorted(SAMPLE_OBJECT.rglob("zarr.json")):
        attributes = json.loads(path.read_text(encoding="utf-8"))["attributes"]
        if attributes:
            found[path.parent.relative_to(SAMPLE_OBJECT).as_posix()] = attributes
    root = found.pop(".")
    return {root["id"]: root, **found}
