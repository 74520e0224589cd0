"""A node's folder copied while it serves, checked, and put back.

``making`` copies, ``checking`` verifies what was copied, ``restoring`` puts it in place whole or
not at all, once ``forks`` has held its record against what others hold. ``archive`` and
``manifest`` are the file. A store in a file is copied by ``copying``, one in a database by
``dumping``; ``unfolding`` makes a file of such a dump again, and ``stores`` puts it where it goes.
"""
