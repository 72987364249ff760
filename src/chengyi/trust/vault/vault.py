"""The vault: the only door to stored bytes.

Keeps promises 2 (never altered) and 3 (useless in pieces). Rules:

1. What goes in is sealed (see `trust.sealed`) and durable before `put` returns; a failed `put` leaves nothing.
2. An object has a random id; it is written once, never overwritten, and there is no way to remove one here.
3. What comes out is what went in, or `IntegrityError`; never anything between.
4. Memory stays bounded whatever the size of an object.
5. Today one store holds every object whole: who has a store *and* the keys has the bytes, who has a store
   alone has lengths and ids. Fragments over several stores come above the same port.
"""

import io
import re
import secrets
from collections.abc import Iterator
from typing import BinaryIO, cast

from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.store.ports import Objects
from chengyi.trust.ports import Keys, Stored
from chengyi.trust.vault.sealed import RUN_SIZE, Sealing, Unsealing, scrub

_ID = re.compile(r"obj-[0-9a-f]{32}")


class SealedVault:
    """Keeps the port `trust.ports.Vault` over any object store."""

    def __init__(self, objects: Objects, keys: Keys) -> None:
        self._objects = objects
        self._keys = keys

    def put(self, source: BinaryIO) -> Stored:
        """Seal all bytes of `source`; StorageFullError leaves nothing behind."""
        object_id = self._new_id()
        sealing = Sealing(object_id, source, self._keys)
        self._objects.put(_key(object_id), sealing)
        return sealing.stored

    def put_bytes(self, plain: bytes) -> Stored:
        """Seal a small object."""
        return self.put(io.BytesIO(plain))

    def open(self, object: str) -> BinaryIO:
        """Open the plain bytes for reading and seeking; NotFoundError, or IntegrityError as soon as it shows."""
        file = self._file(object)
        try:
            plain = Unsealing(object, file, self._keys)
        except IntegrityError:
            file.close()
            raise
        return cast("BinaryIO", io.BufferedReader(plain, RUN_SIZE))

    def read(self, object: str) -> bytes:
        """Read a small object whole."""
        with self.open(object) as plain:
            return plain.read()

    def verify(self, object: str) -> None:
        """Read and check every stored byte; IntegrityError where anything was changed or is missing."""
        try:
            with self.open(object) as plain:
                while plain.read(RUN_SIZE):
                    pass
        except NotFoundError as error:
            raise IntegrityError(object=object, why="对象缺失 (the object is missing)") from error

    def scrub(self, object: str) -> None:
        """Check the stored bytes against their digest, without the keys; IntegrityError where they differ."""
        with self._file(object) as file:
            scrub(object, file)

    def objects(self) -> Iterator[str]:
        """List all object ids, in order."""
        for key in self._objects.keys(""):
            name = key.rpartition("/")[2]
            if _ID.fullmatch(name) and key == _key(name):
                yield name

    def _file(self, object: str) -> BinaryIO:
        if not _ID.fullmatch(object):
            raise NotFoundError(kind="对象 object", id=object)
        try:
            return self._objects.open(_key(object))
        except NotFoundError as error:
            raise NotFoundError(kind="对象 object", id=object) from error

    def _new_id(self) -> str:
        object_id = f"obj-{secrets.token_hex(16)}"
        return object_id if self._objects.size(_key(object_id)) is None else self._new_id()


def _key(object_id: str) -> str:
    return f"{object_id[4:6]}/{object_id}"
