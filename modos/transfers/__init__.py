"""Bytes from one storage to another: planned, concurrent, verified, and complete before they count.

Owns the public names of this room, each imported when it is first used. Must not know zarr or metadata.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.storage.parts.abandoned import discard_abandoned, list_abandoned
    from modos.transfers.digests import DigestBook
    from modos.transfers.engine import Report, prepare_transfer, transfer
    from modos.transfers.plan import Costs, Plan, Step, plan_transfer
    from modos.transfers.progress import Progress

__all__ = [
    "Costs",
    "DigestBook",
    "Plan",
    "Progress",
    "Report",
    "Step",
    "discard_abandoned",
    "list_abandoned",
    "plan_transfer",
    "prepare_transfer",
    "transfer",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Costs": ".plan",
        "DigestBook": ".digests",
        "Plan": ".plan",
        "Progress": ".progress",
        "Report": ".engine",
        "Step": ".plan",
        "discard_abandoned": "modos.storage.parts.abandoned",
        "list_abandoned": "modos.storage.parts.abandoned",
        "plan_transfer": ".plan",
        "prepare_transfer": ".engine",
        "transfer": ".engine",
    },
)
