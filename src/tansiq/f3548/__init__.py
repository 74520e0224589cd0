"""F3548-21 on the wire: its messages (``wire``), reading and writing them (``codec``), and what
they mean as domain values (``convert``).

A message is decoded and validated in one step and converted at once; nothing behind the edge sees
these structs except the register, whose answers they are.
"""
