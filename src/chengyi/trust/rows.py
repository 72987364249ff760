"""The tables of trust, gathered from its folders."""

from chengyi.trust.audit.rows import acts

__all__ = ["acts"]
