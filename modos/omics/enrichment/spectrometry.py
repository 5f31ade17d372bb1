"""What the metadata of mzTab say: samples with species and tissue, assays, software, instruments, sample processing.

Owns which keys have which slots. Reads no table.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modos.errors import InvalidInputError
from modos.omics.enrichment.facts import Facts, SampleFacts, public_uri
from modos.omics.enrichment.terms import sex_of, taxon_of, term_of
from modos.omics.files import Files
from modos.omics.mztab.metadata import Parameter, parse_parameters, read_entries, structured

__all__ = ["read_mztab"]

type _Tree = Mapping[Any, Any]


def read_mztab(files: Files, target: str) -> Facts:
    """Return what the metadata of an mzTab file say; mostly in one request."""
    entries = read_entries(files, target)
    tree = structured(entries)
    samples = [_sample(number, each) for number, each in _numbered(tree, "sample")]
    instruments, software = _once(_instruments(tree)), _once(_software(tree))
    told = {"instrument": instruments, "software": software}
    summary = "; ".join(f"{what}: {', '.join(values)}" for what, values in told.items() if values)
    slots = {"name": tree.get("title"), "description": tree.get("description")}
    return Facts(
        samples=tuple(samples),
        slots={slot: value for slot, value in slots.items() if isinstance(value, str)},
        processing=tuple(_processing(entries)),
        summary=summary[:1].upper() + summary[1:],
        details={
            "version": tree.get("mzTab-version"),
            "id": tree.get("mzTab-ID"),
            "samples": [each.name or f"sample[{each.number}]" for each in samples],
            "assays": [name for _, each in _numbered(tree, "assay") for name in [_name(each)] if name],
            "instruments": instruments,
            "software": software,
            "ms_runs": [uri for _, each in _numbered(tree, "ms_run") for uri in [_location(each)] if uri],
            "publications": [str(each) for _, each in _numbered(tree, "publication") if isinstance(each, str)],
            "links": [uri for _, each in _numbered(tree, "uri") for uri in [public_uri(_name(each))] if uri],
        },
    )


def _numbered(tree: _Tree, key: str) -> Iterator[tuple[int, Any]]:
    """Yield what a key has by its numbers, in order."""
    held = tree.get(key)
    if isinstance(held, Mapping):
        yield from ((number, held[number]) for number in sorted(each for each in held if isinstance(each, int)))


def _once(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found))


def _name(thing: Any) -> str | None:  # noqa: ANN401 - text or a tree
    value = thing.get("value") if isinstance(thing, Mapping) and "name" not in thing else thing
    return value if isinstance(value, str) else None


def _location(run: Any) -> str | None:  # noqa: ANN401 - text or a tree
    return public_uri(run.get("location")) if isinstance(run, Mapping) else None


def _parameters(thing: Any, key: str) -> list[Parameter]:  # noqa: ANN401 - text or a tree
    """Return parameters that a thing has, with or without numbers, alone or in lists."""
    held = thing.get(key) if isinstance(thing, Mapping) else None
    if isinstance(held, Mapping) and "name" not in held:
        held = [each for number, each in sorted(held.items(), key=str) if isinstance(number, int)]
    listed = held if isinstance(held, list) else [held]
    flat = (one for each in listed for one in (each if isinstance(each, list) else [each]))
    return [
        Parameter(one.get("label"), one.get("accession"), one.get("name", ""), one.get("value"))
        for one in flat
        if isinstance(one, Mapping)
    ]


def _sample(number: int, thing: Any) -> SampleFacts:  # noqa: ANN401 - text or a tree
    taxa = _terms(map(taxon_of, _parameters(thing, "species")))
    tissues = _terms(map(term_of, _parameters(thing, "tissue")))
    cells = _terms(map(term_of, _parameters(thing, "cell_type")))
    sexes = _terms(map(sex_of, _parameters(thing, "custom")))
    told = thing.get("description") if isinstance(thing, Mapping) else None
    slots: dict[str, Any] = {
        "taxon_id": taxa or None,
        "source_material": _only(tissues),
        "cell_type": _only(cells),
        "sex": _only(sexes),
        "description": told if isinstance(told, str) else None,
    }
    return SampleFacts(name=_name(thing), number=number, slots={slot: value for slot, value in slots.items() if value})


def _terms(found: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(term for term in found if term))


def _only(terms: list[str]) -> str | None:
    """Return the one term that there is; of several none is taken for a slot that takes one."""
    return terms[0] if len(terms) == 1 else None


def _instruments(tree: _Tree) -> Iterator[str]:
    for _, each in _numbered(tree, "instrument"):
        yield from (parameter.name for parameter in _parameters(each, "name") if parameter.name)


def _software(tree: _Tree) -> Iterator[str]:
    for _, each in _numbered(tree, "software"):
        held = {"it": each.get("value", each) if isinstance(each, Mapping) and "name" not in each else each}
        for parameter in _parameters(held, "it"):
            yield f"{parameter.name} {parameter.value or ''}".strip()


def _processing(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the terms of the steps that samples went through, in the order of their numbers."""
    steps = [(key, value) for key, value in entries if key.startswith("sample_processing[")]
    for _, value in sorted(steps, key=lambda step: int("".join(filter(str.isdecimal, step[0])) or 0)):
        try:
            parameters = parse_parameters(value)
        except InvalidInputError:
            continue
        yield from (term for term in map(term_of, parameters) if term)
