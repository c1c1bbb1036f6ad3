"""A host out of files: what the product reads of a machine, and what its multipathd and its network answer."""

from tests.field.host.host import Host
from tests.field.host.storage import Block, Member

__all__ = ["Block", "Host", "Member"]
