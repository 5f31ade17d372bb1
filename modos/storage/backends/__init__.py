"""The storages themselves: this disk, whatever speaks fsspec, and S3 and Swift as the two named services of that kind.

Owns how each verb of the contract is done in one place. Knows nothing of addresses and of zarr.
"""
