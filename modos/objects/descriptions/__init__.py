"""Objects and documents: what a description asks of an object, and an object written as a description.

Owns the way in both directions. Must not know how documents are read or written, or edits are made.
"""
