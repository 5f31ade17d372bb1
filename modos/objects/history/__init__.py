"""What has been done to an object: a record of every edit, what each changed, and how concurrent ones become one.

Owns the form of records and the rules of merging. Nothing is imported here, since the snapshot of an object needs a part.
"""
