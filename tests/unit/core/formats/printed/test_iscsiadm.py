"""iscsiadm -m session -P 3, and the records that it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.open_iscsi import Place, keys
from mpathd_watch.core.formats.printed import iscsiadm
from mpathd_watch.core.formats.printed.iscsiadm import PrintedDisk
from mpathd_watch.core.model.facts import SessionFacts
from mpathd_watch.core.model.vocabulary import DeviceState, SessionStatus

BUNDLE = Path(__file__).parents[4] / "golden/bundles/link-down/sosreport/sos_commands/iscsi"
LISTING = (BUNDLE / "iscsiadm_-m_session_-P_3").read_text()
RECORDS = (BUNDLE / "iscsiadm_-m_node_--op_show").read_text()
TARGET = "iqn.2009-02.com.example:storage.disk1"


def test_two_sessions_one_of_them_lost() -> None:
    found = iscsiadm.sessions(LISTING)
    assert found is not None
    first, second = found
    assert first.facts == SessionFacts(
        sid=1,
        state=SessionStatus.LOGGED_IN,
        target=TARGET,
        tpgt=1,
        iface="default",
        initiator="iqn.2009-02.com.example:guest",
        address="192.168.1.1",
        port=3260,
        recv_tmo=None,
        ping_tmo=None,
        recovery_tmo=5,
        local_address="192.168.1.10",
    )
    assert first.disks == (PrintedDisk("sda", "0:0:0:1", DeviceState.RUNNING),)
    assert (second.facts.sid, second.facts.state) == (2, SessionStatus.FREE)
    assert second.disks == (PrintedDisk("sdb", "1:0:0:1", DeviceState.TRANSPORT_OFFLINE),)


def session(sid: str = "1", portals: str = "", more: str = "") -> str:
    return f"{portals}\t\tInterface:\n\t\tIface Name: i1\n\t\tIface Netdev: eth1\n\t\tSID: {sid}\n{more}"


def portals(current: str, persistent: str = "") -> str:
    return f"\tCurrent Portal: {current}\n" + (f"\tPersistent Portal: {persistent}\n" if persistent else "")


def test_a_redirected_login_is_labelled_by_the_persistent_portal() -> None:
    text = f"Target: {TARGET} (non-flash)\n{session(portals=portals('[fe80::2]:3261,2', '[fe80::1]:3260,1'))}"
    (found,) = iscsiadm.sessions(text) or ()
    assert (found.facts.address, found.facts.port, found.facts.tpgt) == ("fe80::1", 3260, 1)
    assert (found.facts.iface, found.facts.netdev, found.disks) == ("i1", "eth1", None)


def test_the_second_session_to_a_portal_has_no_portal_of_its_own() -> None:
    text = f"Target: {TARGET}\n{session(portals=portals('1.1.1.1:3260,-1'))}\n{session('2')}"
    found = iscsiadm.sessions(text) or ()
    assert [(each.facts.sid, each.facts.address, each.facts.tpgt) for each in found] == [
        (1, "1.1.1.1", None),
        (2, "1.1.1.1", None),
    ]


def test_what_is_unknown_stays_unknown() -> None:
    more = "\t\tiSCSI Session State: Unknown\n\t\tRecovery Timeout: -1\n\t\tIface IPaddress: <empty>\n"
    (found,) = iscsiadm.sessions(f"Target: t\n{session(portals=portals('a:1,1'), more=more)}") or ()
    assert (found.facts.state, found.facts.recovery_tmo) == (SessionStatus.UNKNOWN, None)
    assert found.facts.local_address == ""


@pytest.mark.parametrize(
    "text",
    [
        f"Target: t\n{session()}",  # no portal
        f"Target: t\n{session(portals=portals('nonsense'))}",
        f"Target: t\n{session('x', portals('a:1,1'))}",
        session(portals=portals("a:1,1")),  # no target
        "iscsiadm: can not connect to iSCSI daemon (111)!",
        "",
    ],
)
def test_a_text_that_shows_no_session(text: str) -> None:
    assert iscsiadm.sessions(text) is None


def test_no_session_is_known_as_well() -> None:
    assert iscsiadm.sessions("iscsiadm: No active sessions.\n") == ()


def test_nothing_below_chap_is_kept() -> None:
    text = LISTING.replace("********", "hunter2").replace("<empty>", "hunter2")
    assert "hunter2" in text
    assert "hunter2" not in repr(iscsiadm.sessions(text.replace("Iface Netdev: hunter2", "")))


def test_the_records_with_their_lines() -> None:
    found = dict(iscsiadm.records(RECORDS, "/b/node", 11))
    places = [Place(TARGET, f"192.168.{n}.1", 3260, 1, "default") for n in (1, 2)]
    assert sorted(found, key=lambda place: place.address) == places
    record = found[places[0]]
    startup = record.entries[keys.STARTUP]
    assert (startup.value, record.file, record.problems) == ("automatic", "/b/node", ())
    # Line 11 of the file is the first of the text.
    lines = RECORDS.split("\n")
    assert lines[startup.line - 11] == "node.startup = automatic"
    assert "secret-of-the-lab" in RECORDS
    assert "secret-of-the-lab" not in repr(found)


def test_a_record_that_is_cut_or_names_no_portal_is_left_out() -> None:
    assert iscsiadm.records(RECORDS[: len(RECORDS) // 3], "f") == ()
    text = "# BEGIN RECORD 2.1\nnode.name = t\nnode.conn[0].address = a\nnode.conn[0].port = 99999\n# END RECORD\n"
    assert iscsiadm.records(text, "f") == ()
    whole = text.replace("99999", "3260")
    (place, _), *others = iscsiadm.records(f"{whole}\n{whole}# END RECORD\n", "f")
    assert (place, others) == (Place("t", "a", 3260, None, "default"), [])


@given(st.text() | st.lists(st.sampled_from([*LISTING.split("\n"), *RECORDS.split("\n")[:80]])).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    iscsiadm.sessions(text)
    iscsiadm.records(text, "f")
