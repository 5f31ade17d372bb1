"""What a storage can do: known from what it is, told by its service, and tried in a scratch directory of its own.

Owns the one list of abilities that everyone who has to choose a way goes by. Must not know what is stored.
"""
