"""The nouns: frozen typed values, identifiers, code tables, errors, clock, reporter. No I/O.

Import from the file named for the noun: ``from chengyi.model.errors import ChengyiError``.
"""
