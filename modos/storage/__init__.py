"""Where bytes live: the `Storage` contract, its backends, validated paths, addresses and the zarr root.

Owns the public names of this room. Must not know the digital object, RDF or any omics format.
"""

from typing import TYPE_CHECKING

from modos._lazy import lazy_names

if TYPE_CHECKING:
    from modos.storage.backends.addresses import S3Path, SwiftPath, Target
    from modos.storage.backends.local import LocalStorage
    from modos.storage.backends.remote import FsspecStorage
    from modos.storage.backends.s3 import S3Storage, connect_s3
    from modos.storage.backends.swift import SwiftStorage
    from modos.storage.base import ROOT_DOCUMENT, ZARR_ROOT, Storage
    from modos.storage.discovery import find_objects, list_remote_modos
    from modos.storage.doctor.examination import capabilities, examine
    from modos.storage.doctor.facts import Capabilities, Fact
    from modos.storage.hierarchy.groups import add_data, add_metadata_group, init_zarr, list_zarr_items
    from modos.storage.info import ObjectInfo
    from modos.storage.parts.base import Parts
    from modos.storage.parts.plan import PartInfo, Unfinished
    from modos.storage.parts.upload import PartUpload
    from modos.storage.urls import open_storage

__all__ = [
    "LOG",
    "OWN_ROOT",
    "ROOT_DOCUMENT",
    "TRASH",
    "ZARR_ROOT",
    "Capabilities",
    "Fact",
    "FsspecStorage",
    "LocalStorage",
    "ObjectInfo",
    "PartInfo",
    "PartUpload",
    "Parts",
    "S3Path",
    "S3Storage",
    "Storage",
    "SwiftPath",
    "SwiftStorage",
    "Target",
    "Unfinished",
    "add_data",
    "add_metadata_group",
    "capabilities",
    "connect_s3",
    "examine",
    "find_objects",
    "init_zarr",
    "list_remote_modos",
    "list_zarr_items",
    "open_storage",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Capabilities": ".doctor.facts",
        "Fact": ".doctor.facts",
        "FsspecStorage": ".backends.remote",
        "LocalStorage": ".backends.local",
        "ObjectInfo": ".info",
        "PartInfo": ".parts.plan",
        "PartUpload": ".parts.upload",
        "Parts": ".parts.base",
        "LOG": ".base",
        "OWN_ROOT": ".base",
        "ROOT_DOCUMENT": ".base",
        "S3Path": ".backends.addresses",
        "S3Storage": ".backends.s3",
        "Storage": ".base",
        "SwiftPath": ".backends.addresses",
        "SwiftStorage": ".backends.swift",
        "TRASH": ".base",
        "Target": ".backends.addresses",
        "Unfinished": ".parts.plan",
        "ZARR_ROOT": ".base",
        "add_data": ".hierarchy.groups",
        "add_metadata_group": ".hierarchy.groups",
        "capabilities": ".doctor.examination",
        "connect_s3": ".backends.s3",
        "examine": ".doctor.examination",
        "find_objects": ".discovery",
        "init_zarr": ".hierarchy.groups",
        "list_remote_modos": ".discovery",
        "list_zarr_items": ".hierarchy.groups",
        "open_storage": ".urls",
    },
)
