"""Rows: the database, its one writer, live reads, and one module of functions a noun.

A function that takes a :class:`~agentchat.store.writer.Tx` changes rows and is run by
``Database.write``; one that takes a ``Session`` only reads and is run by
``Database.read`` or followed by ``Live.follow``. Functions of both kinds do nothing but
SQL, so the writer may run one again when its group has to be rolled back.
"""
