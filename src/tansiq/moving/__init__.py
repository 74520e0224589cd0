"""A node's store moved from a file to a database: copied in batches, verified, then switched to.

``source`` reads the file of a stopped node, ``target`` writes the database and how far it has come
there, ``copying`` is the way from one to the other, and ``switching`` writes the settings.
"""
