"""The text of a uevent."""

from __future__ import annotations

import pytest

from mpathd_watch.sources.uevent.kernel import is_wanted, name_of, properties


def datagram(*lines: str) -> bytes:
    return "".join(f"{line}\0" for line in lines).encode()


def test_its_properties_follow_its_first_line() -> None:
    read = properties(datagram("change@/devices/a=b", "ACTION=change", "DM_NAME=x=y", "no property", "EMPTY="))
    assert read == {"ACTION": "change", "DM_NAME": "x=y", "EMPTY": ""}
    assert properties(b"") == {}
    with pytest.raises(UnicodeDecodeError):
        properties(datagram("change@/x", "DM_NAME=x") + b"\xff")


def test_only_block_and_scsi_devices_are_wanted() -> None:
    assert is_wanted(datagram("add@/x", "SUBSYSTEM=block"))
    assert is_wanted(datagram("add@/x", "SUBSYSTEM=scsi", "DEVTYPE=scsi_device"))
    for other in ("SUBSYSTEM=net", "SUBSYSTEM=scsi_host", "OTHER=SUBSYSTEM=block", "SUBSYSTEM=blocks"):
        assert not is_wanted(datagram("add@/x", other))
    assert not is_wanted(b"")


def test_a_slash_in_a_name_is_written_as_the_kernel_has_it() -> None:
    assert name_of("/devices/pci0000:00/block/cciss!c0d0") == "cciss/c0d0"
    assert name_of("/devices/virtual/block/dm-3") == "dm-3"
    assert name_of("") == ""
