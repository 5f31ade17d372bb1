"""How data of each library are laid out as groups and arrays of zarr, and read from them.

Owns one module for each kind of data. Knows neither objects nor storages.
"""
