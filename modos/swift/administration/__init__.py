"""What the owner of an account does: containers, access, keys for signed addresses, segments that nothing refers to.

Owns the blocking face of these. Knows no reading or writing of objects.
"""
