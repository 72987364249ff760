"""The tables of trust, gathered from its folders."""

from chengyi.trust.anchors.rows import anchors, stamp_serials
from chengyi.trust.audit.rows import acts
from chengyi.trust.authority.rows import certificates, enrolment_tokens
from chengyi.trust.marks.rows import exports, families, recipients
from chengyi.trust.messages.rows import message_nonces
from chengyi.trust.vault.rows import vault_damages, vault_retirements, vault_rounds, vault_versions

__all__ = [
    "acts",
    "anchors",
    "certificates",
    "enrolment_tokens",
    "exports",
    "families",
    "message_nonces",
    "recipients",
    "stamp_serials",
    "vault_damages",
    "vault_retirements",
    "vault_rounds",
    "vault_versions",
]
