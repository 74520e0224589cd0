"""Printed sheets: of a day, of a hand-over, of what happened in a window of time."""
