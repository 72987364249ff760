"""Measurements of the trust room, one file a part."""
