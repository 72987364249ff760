"""The ledger: an append-only Merkle log in plain files, its checkpoints, proofs, receipts and witnesses."""
