"""The store: one door to the database. Named queries live beside this file, one module per noun.

Every module is a set of functions that take the transaction first: `await inbox.receive(tx, ...)`.
"""

from sahut.store.database import Store, Tx, insert_once

__all__ = ["Store", "Tx", "insert_once"]
