"""Traffic: how much longer a way takes than on a free road, and where it stays so."""

from chengyi.brain.apps.traffic.app import Traffic

__all__ = ["Traffic"]
