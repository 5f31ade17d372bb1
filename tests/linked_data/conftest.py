"""Metadata with a value of every kind that linked data treats in its own way."""

import pytest

from modos.linked_data import KnowledgeGraph, object_base

OBO = "http://purl.obolibrary.org/obo/"


@pytest.fixture
def metadata():
    return {
        "ex": {
            "@type": "MODO",
            "id": "ex",
            "creation_date": "2024-01-17T00:00:00",
            "last_update_date": "2024-10-15",
            "has_assay": "a1",
        },
        "assay/a1": {
            "@type": "Assay",
            "omics_type": ["GENOMICS", "SPATIAL"],
            "has_sample": ["sample/s 1"],
            "name": "sample/s 1",
        },
        "sample/s 1": {
            "@type": "Sample",
            "sex": "Male",
            "taxon_id": ["NCBITaxon:9606"],
            "cell_type": f"{OBO}CL_0002627",
        },
        "reference/r1": {
            "@type": "ReferenceGenome",
            "data_path": "r.fa",
            "source_uri": "/data/ecoli subset.fa",
        },
    }


@pytest.fixture
def knowledge(metadata):
    return KnowledgeGraph(metadata, base=object_base("ex"))
