"""Governance: whether what citizens ask for is done in time."""

from chengyi.brain.apps.governance.app import Governance

__all__ = ["Governance"]
