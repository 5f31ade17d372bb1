"""Bytes from one storage to another: planned, concurrent, verified, and complete before they count.

Owns the public names of this room, each imported when it is first used. Must not know zarr or metadata.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.transfers.engine import Report, transfer
    from modos.transfers.plan import Plan, Step, plan_transfer
    from modos.transfers.progress import Progress

__all__ = ["Plan", "Progress", "Report", "Step", "plan_transfer", "transfer"]

__getattr__ = lazy_names(
    __name__,
    {
        "Plan": ".plan",
        "Progress": ".progress",
        "Report": ".engine",
        "Step": ".plan",
        "plan_transfer": ".plan",
        "transfer": ".engine",
    },
)
