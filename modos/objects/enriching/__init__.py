"""Metadata filled in from the headers of files: what is proposed, and what it comes to.

Owns which element a fact is about, and when a value is left alone. Must not know formats.
"""
