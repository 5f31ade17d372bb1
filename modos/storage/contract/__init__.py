"""The contract of every storage in three parts: what a backend fills in, the verbs that look, the verbs that change.

Owns nothing else; `modos.storage.base` makes one class of them.
"""
