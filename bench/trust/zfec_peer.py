"""A peer, run as a program of its own with an interpreter that has zfec and cryptography; never imported.

Seals chunks of 16 KiB by AES-256-GCM, codes stripes 6 of 9 with zfec, hashes every piece with SHA-256: the same work on
the same stripes as the product's pipeline. Prints MiB per second of each run as JSON.
"""

import hashlib
import json
import os
import sys
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from zfec import Encoder  # type: ignore[import-not-found]

CHUNK, SEALED, STRIPE, K, N = 16_384, 16_400, 48, 6, 9
PIECE = STRIPE * SEALED // K


def main(mebibytes: int, runs: int) -> None:
    cipher, encoder = AESGCM(os.urandom(32)), Encoder(K, N)
    plain, sealed = memoryview(os.urandom(STRIPE * CHUNK)), memoryview(bytearray(STRIPE * SEALED))
    speeds = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(mebibytes * 4 // 3):
            for number in range(STRIPE):
                out = sealed[number * SEALED : (number + 1) * SEALED]
                cipher.encrypt_into(number.to_bytes(12, "big"), plain[number * CHUNK : (number + 1) * CHUNK], None, out)
            pieces = encoder.encode([bytes(sealed[at * PIECE : (at + 1) * PIECE]) for at in range(K)])
            for piece in pieces:
                hashlib.sha256(piece).digest()
        speeds.append(mebibytes / (time.perf_counter() - start))
    print(json.dumps(speeds))


main(int(sys.argv[1]), int(sys.argv[2]))
