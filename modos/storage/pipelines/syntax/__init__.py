"""The syntax of URL pipelines: text in, text and values out.

Owns nothing itself; the modules beside it are pure. Must not know a storage, an adapter, or zarr.
"""
