"""CHAP: the names and passwords by which an initiator and an array prove to each other who they are.

All of them have `CANARY` in them, and nothing else in a guest has: wherever it is found, a secret is.
"""

from __future__ import annotations

from dataclasses import dataclass

CANARY = "Kanari7x"
"""What all names and passwords begin with. It needs no escape in a shell, a configuration, an URL or JSON."""


@dataclass(frozen=True)
class Chap:
    """Both directions. A password has 12 to 16 characters, as the standard asks for; the two must differ.

    `name` and `password` are those of the initiator; `name_in` and `password_in` are the array's.
    """

    name: str
    password: str
    name_in: str
    password_in: str

    def iscsid_settings(self, prefix: str) -> dict[str, str]:
        """Return the lines of iscsid.conf; `prefix` is `node.session` or `discovery.sendtargets`."""
        return {
            f"{prefix}.auth.authmethod": "CHAP",
            f"{prefix}.auth.username": self.name,
            f"{prefix}.auth.password": self.password,
            f"{prefix}.auth.username_in": self.name_in,
            f"{prefix}.auth.password_in": self.password_in,
        }

    def lio_attributes(self) -> dict[str, str]:
        """Return the attributes of LIO in configfs, of a target portal group or of discovery."""
        return {
            "userid": self.name,
            "password": self.password,
            "userid_mutual": self.name_in,
            "password_mutual": self.password_in,
        }


SESSION = Chap(f"{CANARY}-name-1", f"{CANARY}-pwd-1", f"{CANARY}-name-2", f"{CANARY}-pwd-2")
DISCOVERY = Chap(f"{CANARY}-name-3", f"{CANARY}-pwd-3", f"{CANARY}-name-4", f"{CANARY}-pwd-4")
