"""What edits leave behind: files and groups that nothing describes any more, and which of them are kept for a while.

Owns nothing but these parts. Must not know how an edit is made.
"""
