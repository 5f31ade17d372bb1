"""One request to Swift: its body, its connection, its repetitions, its failures.

Owns what happens between a question and its checked answer. Knows nothing of fsspec, listings or large objects.
"""
