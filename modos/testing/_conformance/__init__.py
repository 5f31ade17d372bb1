"""The promises of the storage contract as tests, by what they are about.

Owns the parts that `modos.testing.StorageTests` is made of. Must not know a backend.
"""
