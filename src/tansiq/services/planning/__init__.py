"""Own plans and no-go areas: declared, placed in every register, watched, changed and ended.

- ``planning``, ``constraints``: the use cases; ``status``, ``reasons``: what people are told.
- ``planner``: one task a plan; ``drive``: its pauses; ``steps``: one event in one transaction.
- ``judging``: what blocks at a register, and learning what is not known; ``newcomers``: plans that
  somebody else's write reopens; ``hearing``: what peers tell and ask.
- ``book``, ``claim``, ``records``, ``restore``: plans and the sky between memory and store.
- ``notices``: what we owe to subscribers; ``upkeep``: subscriptions, sweep, audit.
- ``ports``, ``local``: registers over the network and in our own node; ``site``: what all share.
"""
