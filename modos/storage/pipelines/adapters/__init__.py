"""The adapters that come with modos, each loaded when an address names it.

Owns nothing itself. Must not be imported to list what there is: the registry knows where each stands.
"""
