"""Own plans: declared, placed in every register, watched, changed and ended.

``claim`` what a plan asks for; ``book`` plans in the store and in memory; ``visit`` one look at one
register and what follows; ``planning`` the use cases; ``upkeep`` subscriptions, sweep and audit.
"""
