"""The demo: nodes of several parties on this machine, and what passes between them.

A day of real flights: ``calfire`` obtains and reads them, ``scenario`` makes plans of them,
``story`` declares, ``recheck`` judges the outcome without the index. Three desks in three
languages: ``cells`` says who they are, ``cell_story`` and ``cell_outage`` what they do,
``cell_ledger`` compares what both ends have. ``nodes`` runs the nodes of both.
"""
