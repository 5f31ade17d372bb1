"""What annotated matrices say: how many observations and variables there are, and what is known of each.

Owns the words for it. Reads no value of a matrix.
"""

from typing import Any

from modos.omics.enrichment.facts import Facts
from modos.omics.files import Files
from modos.omics.tables.annotated import columns_of, is_annotated, matrices_of, shape_of
from modos.omics.tables.hierarchies import opened

__all__ = ["read_matrix"]

_MOST = 12


def read_matrix(files: Files, target: str) -> Facts:
    """Return what the groups of an AnnData or MuData say; lazily, so that few requests are made."""
    with opened(files, target) as root:
        if not is_annotated(root):
            return Facts()
        details = _details(root)
        modalities = sorted(root["mod"].keys()) if "mod" in root else []
        if modalities:
            details["modalities"] = {name: _details(root[f"mod/{name}"]) for name in modalities}
    summary = f"{details['n_obs']:,} observations of {details['n_vars']:,} variables"
    known = [name for name in details["obs"][:_MOST] if name]
    more = ", …" if len(details["obs"]) > _MOST else ""
    told = [summary, *([f"of each observation: {', '.join(known)}{more}"] if known else [])]
    told += [f"modalities: {', '.join(modalities)}"] if modalities else []
    return Facts(summary="; ".join(told), details=details)


def _details(root: Any) -> dict[str, Any]:  # noqa: ANN401 - a group
    observations, variables = shape_of(root)
    return {
        "n_obs": observations,
        "n_vars": variables,
        "obs": list(columns_of(root["obs"])[1:]),
        "var": list(columns_of(root["var"])[1:]),
        "matrices": list(matrices_of(root)),
    }
