"""Anchors of the ledger outside of it: checkpoints on an EVM chain, and RFC 3161 time-stamps over them."""
