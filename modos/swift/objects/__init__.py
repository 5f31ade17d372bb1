"""The objects of an account: listed, read, written, cut in segments, copied and deleted.

Owns what has to happen around a request so that nothing is missed and no segment left behind. Knows nothing of fsspec's
interface, zarr or open files.
"""
