"""What a draft of an edit is made of: tables that can go back, finding things in them, and what it all comes to.

Owns nothing but these parts; what can be asked of an edit is in `modos.objects.editing.draft`.
"""
