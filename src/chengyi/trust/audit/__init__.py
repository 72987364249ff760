"""The audit: acts on record, their bodies and indexes, and what looks odd in them."""
