"""The line: notes written, delivered, taken in, and what conversations amount to."""
