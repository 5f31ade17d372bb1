"""The parts of `MODO`: what an object can be asked, each part a class of methods around calls of one room below.

Owns nothing else; `modos.api` makes one class of them.
"""
