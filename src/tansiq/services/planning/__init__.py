"""Own plans and no-go areas: declared, placed in every register, watched, changed and ended.

- ``planning``, ``constraints``: the use cases; ``status``, ``reasons``: what people are told.
- ``off_nominal``: an own aircraft is not where its plan said; ``strayed``: plans that others' meet;
  ``telemetry``: where they are.
- ``planner``: one task a plan; ``drive``: its pauses; ``steps``: one event in one transaction.
- ``judging``: what blocks at a register, and what is not known there; ``fetching``: details from
  their managers; ``complaints``: reports about those; ``newcomers``: plans that somebody else's
  write reopens; ``hearing``: what peers tell and ask.
- ``book``, ``claim``, ``records``, ``restore``: plans and the sky between memory and store.
- ``notices``: what we owe to subscribers; ``upkeep``: sweep and audit, with ``sight``, which reads
  registers; ``subscribing``: standing subscriptions.
- ``ports``, ``local``: registers over the network and in our own node; ``site``: what all share.
"""
