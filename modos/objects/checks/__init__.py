"""Whether an object is whole: looking, mending what is safe to mend, and bringing older formats up to date.

Owns the parts of that; nothing is imported here, since the snapshot of an object needs one of them.
"""
