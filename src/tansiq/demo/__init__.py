"""The demo: two nodes of two parties coordinate a day of real flights, and it is judged again.

``calfire`` obtains and reads the recorded flights, ``scenario`` makes plans of them, ``nodes`` runs
the two parties' nodes, ``story`` declares, ``recheck`` judges the outcome without the index.
"""
