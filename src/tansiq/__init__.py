"""Tansiq: a deconfliction node for parties who share the air as equals."""

__version__ = "0.1.0"
