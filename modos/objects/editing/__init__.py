"""Editing an object: what is asked for becomes a draft, the draft a change, and the change is committed.

Owns the way from the first to the last, and what a writer that was killed has left. Must not know any backend.
"""
