"""Large files by parts: stored in any order, continued after a break, and seen only when they are whole.

Owns how each kind of storage does that. Must not know where the parts come from, nor why a file is stored.
"""
