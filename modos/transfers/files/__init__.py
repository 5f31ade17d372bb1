"""One file at a time on its way: whole, in one stream, or by parts, and proven to be what was sent.

Must not know which files there are, nor in which order they go.
"""
