"""What a draft of an edit is made of: finding things in it, and what it all comes to.

Owns nothing but these parts; what can be asked of an edit is in `modos.objects.editing.draft`.
"""
