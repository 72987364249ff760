"""Decide: indicators, alerts, orders, decisions.

Keeps promises 1, 5 and 7: it sees only what was shared, every number leads home, people decide about people.
"""

from chengyi.brain.service import Brain, BrainReport
from chengyi.brain.values import Trace, TraceStep

__all__ = ["Brain", "BrainReport", "Trace", "TraceStep"]
