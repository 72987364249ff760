"""Record linkage: which mentions in many sources are one person, how likely, and why."""

from chengyi.integrate.linkage.people import link_people
from chengyi.integrate.linkage.reasons import REASONS
from chengyi.integrate.linkage.scores import PairScores, score_pairs
from chengyi.integrate.linkage.settings import Linkage, LinkageSettings, LinkageStats

__all__ = ["REASONS", "Linkage", "LinkageSettings", "LinkageStats", "PairScores", "link_people", "score_pairs"]
