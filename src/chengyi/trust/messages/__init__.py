"""Signed requests between nodes (RFC 9421, RFC 9530): who asked, for what, with which body, once."""
