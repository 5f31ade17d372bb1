"""What headers of files say of samples, sequences and how the data came to be.

Owns reading it, a module for each family of formats. Must not know digital objects, nor which slots they have set.
"""
