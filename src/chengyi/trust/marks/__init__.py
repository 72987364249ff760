"""Marks: fingerprints of derived exports, and whom a leaked copy leads to."""
