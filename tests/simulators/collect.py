"""Collection that lives in memory: what it is handed waits for the archive."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from chengyi.collect.rules import media_type
from chengyi.collect.sources import Source, parse_source
from chengyi.model.errors import NotFoundError
from chengyi.model.submission import Component, Submission, SubmissionState, submission_digest, submission_id
from chengyi.trust.ports import Vault

EVENT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
CAPTURED = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def source_of(id: str, more: str = "", *, kind: str = "documents", fonds: str = "Y012") -> Source:
    """Return a source from TOML; `more` holds further parts such as [reader]."""
    path = "" if kind == "filed" else 'path = "in"'
    text = f"""
[source]
id = "{id}"
title = {{ zh = "来源{id}", en = "Source {id}" }}
department = "区民政局"
fonds = "{fonds}"
[connector]
kind = "{kind}"
{path}
{more}
"""
    tomllib.loads(text)
    return parse_source(text, Path(f"{id}.toml"))


class MemoryCollect:
    """Implements `archive.ports.Deliveries`."""

    def __init__(self, vault: Vault, sources: Sequence[Source]) -> None:
        self._vault = vault
        self.sources = {each.id: each for each in sources}
        self.all: dict[str, Submission] = {}

    def hand_in(
        self,
        source: str,
        files: dict[str, bytes],
        *,
        sequence: str = "",
        prior: str | None = None,
        event_time: datetime = EVENT,
    ) -> Submission:
        components = []
        for path, data in files.items():
            stored = self._vault.put_bytes(data)
            components.append(Component(path, stored.size, stored.sha256, media_type(path), stored.object))
        whole = submission_digest(tuple(components))
        sequence = sequence or next(iter(files))
        id = submission_id(source, sequence, whole)
        made = Submission(id, source, sequence, whole, tuple(components), event_time, CAPTURED, prior)
        return self.all.setdefault(id, made)

    def change(self, submission: Submission) -> None:
        """Put a submission in place of the one with its id."""
        self.all[submission.id] = submission

    def pending(self) -> list[Submission]:
        return [each for each in self.all.values() if each.state is SubmissionState.RECEIVED]

    def source(self, id: str) -> Source:
        if id not in self.sources:
            raise NotFoundError(kind="来源 source", id=id)
        return self.sources[id]

    def settle(self, connection: Connection, ids: Sequence[str], state: SubmissionState, reason: str = "") -> None:
        for id in ids:
            self.all[id] = replace(self.all[id], state=state, reason=reason)
