"""Chengyi 城忆: the city's memory with a brain on it.

Data flows collect -> archive -> integrate -> share -> brain; imports only go the other way.
"""

__version__ = "0.1.0"
