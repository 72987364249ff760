"""The vault: the only door to stored bytes. Sealing, coding, sharing of keys, placement and care of fragments."""
