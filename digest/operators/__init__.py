"""Those who run the installation: their accounts, their passwords, and where they are signed in.

    accounts    from the configuration or made on the command line; who may come in
    passwords   argon2id
    sessions    one browser signed in: a random key in its cookie, the key's hash in the database

An operator is no subscriber: nothing here opens a reader's page, and no reader's link opens theirs.
"""

from digest.operators.accounts import Account, Accounts
from digest.operators.passwords import Passwords, weakness
from digest.operators.sessions import ABSOLUTE, IDLE, Session

__all__ = ["ABSOLUTE", "IDLE", "Account", "Accounts", "Passwords", "Session", "weakness"]
