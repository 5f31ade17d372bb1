"""Who asks: credentials of every kind, the tokens that they are exchanged for, and how long those are good.

Owns logging in, once for a process and a user. Knows no request but those of logging in.
"""
