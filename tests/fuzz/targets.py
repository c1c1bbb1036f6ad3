"""Fuzz targets for atheris: `python -m tests.fuzz.targets TARGET [libFuzzer's options, corpus directories]`.

`--seeds DIRECTORY` writes a target's first inputs there instead, and needs no atheris.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mpathd_watch.core.events import Event
from mpathd_watch.core.formats.inquiry import designators, has_port_groups, port_group
from mpathd_watch.core.formats.multipath_conf import (
    Document,
    Version,
    blacklist,
    merge,
    parse,
    parse_printed,
    resolver,
)
from mpathd_watch.core.formats.multipath_conf.model import NEWEST
from mpathd_watch.core.formats.open_iscsi import configured, parse_record, record_path
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.recording.codec import CodecError, decode_event, encode_event
from mpathd_watch.core.recording.lines import Writer, header_line
from mpathd_watch.sources.iscsi import datagram as iscsi
from mpathd_watch.sources.iscsi import tcp
from mpathd_watch.sources.netlink.conversation import messages
from mpathd_watch.sources.network import addresses, links
from mpathd_watch.sources.recording import RecordingError, read
from tests.fakes import rtnetlink
from tests.fakes.iscsi import CONN_ERROR, message
from tests.fakes.sysfs import inquiry, vpd_pg83

CHECKOUT = Path(__file__).parent.parent.parent
GOLDEN = CHECKOUT / "tests/golden"
RECORDING = CHECKOUT / "mpathd_watch/recordings/article.jsonl"

VERSIONS: tuple[Version, ...] = ((0, 9, 4), (0, 11, 1), NEWEST)
SECOND_FILE = "\n# and then\n"
"""Parts the text of a file from that of the next in conf.d."""

NO_TABLE = parse("", "no table")
"""Mostly used instead of the built-in hardware table, which takes longer to read than most inputs."""

PORTS = (50000).to_bytes(2, "big") + (3260).to_bytes(2, "big")
DISK = {"vendor": "IET", "product": "VIRTUAL-DISK"}
WWID = "360000000000000000e00000000010001"


def text_of(data: bytes) -> str:
    """Return the text as the product's sources decode it."""
    return data.decode("utf-8", "surrogateescape")


def multipath_conf(data: bytes) -> None:
    """Read, merge, resolve, and ask what is hidden."""
    version = VERSIONS[len(data) % len(VERSIONS)]
    texts = text_of(data).split(SECOND_FILE)
    documents = [parse(text, f"/etc/multipath/conf.d/{number}.conf", version) for number, text in enumerate(texts)]
    ask(merge(documents), version, hardware=None if data[-1:] == b"\n" else NO_TABLE)


def multipathd_config(data: bytes) -> None:
    """Read what multipathd prints, with the hardware table it prints."""
    version = VERSIONS[len(data) % len(VERSIONS)]
    document = parse_printed(text_of(data), "multipathd", version)
    ask(document, version, hardware=document)


def ask(document: Document, version: Version, hardware: Document | None = None) -> None:
    """Put all questions to a configuration."""
    prepared = resolver(document, version=version, hardware=hardware)
    prepared.resolve(wwid=WWID, **DISK, protocol="scsi:iscsi")
    prepared.uid_attribute(devnode="sda", **DISK)
    list(prepared.aliases())
    entries = blacklist(document, version=version, hardware=hardware)
    entries.hides(devnode="sda", wwid=WWID, **DISK, protocol="scsi:iscsi")


def node_record(data: bytes) -> None:
    """Read a node record or iscsid.conf."""
    record = parse_record(text_of(data), "record")
    configured(record, None)
    configured(None, record)
    configured(record, record)


def record_place(data: bytes) -> None:
    """Find whose record a file is, by its path."""
    record_path(text_of(data))


def netlink(data: bytes) -> None:
    """Read what may have come from the kernel: interfaces, addresses, a TCP connection, an iSCSI error."""
    iscsi.parse(data)
    found = list(messages(data))
    links.table(
        [link for link in map(links.parse, found) if link],
        [assigned for assigned in map(addresses.parse, found) if assigned],
    )
    for each in found:
        tcp.parse(each, PORTS, 100.0)


def lun(data: bytes) -> None:
    """Read what an array reports of a LUN: its standard INQUIRY data and VPD page 0x83."""
    has_port_groups(data)
    if port_group(data) is not None and not list(designators(data)):
        raise AssertionError("a group without a designator")


def event(data: bytes) -> None:
    """Read an event of a recording; what could be read must come out the same after being written."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        read = decode_event(value)
    except CodecError:
        return
    if decode_event(encode_event(read)) != read:
        raise AssertionError("the event has changed on its way")


def recording(data: bytes) -> None:
    """Read a recording, compressed or not; what could be read must come out the same after being written."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "recording"
        file.write_bytes(data)
        found: list[tuple[Event, Instant]] = []
        try:
            found.extend(read(file))
        except RecordingError as error:
            if not str(error).isprintable():
                raise AssertionError("the error is not one line") from error
        writer = Writer()
        file.write_text(
            "".join((header_line("0"), *(writer.line(*each) for each in found))), "utf-8", "backslashreplace"
        )
        if list(read(file)) != found:
            raise AssertionError("the recording has changed on its way")


def conf_seeds() -> Iterator[bytes]:
    for path in sorted(GOLDEN.glob("conf/multipath*")):
        yield path.read_bytes()
    yield (
        b"overrides {\n\tprotocol {\n\t\ttype scsi:iscsi\n\t\tfast_io_fail_tmo 20\n\t}\n}\n" + SECOND_FILE.encode()
    ) * 2


def printed_seeds() -> Iterator[bytes]:
    for path in sorted(GOLDEN.glob("multipathd/*config-local*")):
        yield path.read_bytes()


def record_seeds() -> Iterator[bytes]:
    for name in ("node-record", "iscsid-debian13.conf"):
        yield (GOLDEN / "conf" / name).read_bytes()


def place_seeds() -> Iterator[bytes]:
    for directory in ("/etc/iscsi/nodes", "/var/lib/iscsi/nodes"):
        for rest in ("192.168.1.1,3260", "192.168.1.1,3260,1/default", "fe80::1%eth0,3260,1/iface0"):
            yield f"{directory}/iqn.2009-02.com.example:storage.disk1/{rest}".encode()


def netlink_seeds() -> Iterator[bytes]:
    yield rtnetlink.assigned(2, "192.168.1.2") + rtnetlink.assigned(3, "fe80::1", 64) + rtnetlink.done()
    yield rtnetlink.link(2, "eth0") + rtnetlink.link(3, "eth0.7", kind="vlan", parent=2) + rtnetlink.done()
    yield rtnetlink.link(4, "bond0", kind="bond") + rtnetlink.link(5, "eth1", master=4, carrier=False)
    yield rtnetlink.connection((50000, 3260))
    yield message(CONN_ERROR, 7, 0, 1022)


def lun_seeds() -> Iterator[bytes]:
    yield inquiry(port_groups=True)
    yield vpd_pg83(17)


def event_seeds() -> Iterator[bytes]:
    for line in RECORDING.read_text(encoding="utf-8").splitlines()[1:]:
        value = json.loads(line)
        value.pop("at")
        yield json.dumps(value).encode()


def recording_seeds() -> Iterator[bytes]:
    writer = Writer()
    lines = [header_line("0.1.0"), *(writer.line(*each) for each in islice(read(RECORDING), 40))]
    yield "".join(lines).encode()
    yield gzip.compress("".join(lines).encode())


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], Iterator[bytes]]]] = {
    "multipath_conf": (multipath_conf, conf_seeds),
    "multipathd_config": (multipathd_config, printed_seeds),
    "node_record": (node_record, record_seeds),
    "record_place": (record_place, place_seeds),
    "netlink": (netlink, netlink_seeds),
    "lun": (lun, lun_seeds),
    "event": (event, event_seeds),
    "recording": (recording, recording_seeds),
}


def rewritten(data: bytes, most: int, seed: int) -> bytes:
    """Return JSON with one value exchanged: changing its bytes alone would hardly ever leave it JSON."""
    chance = random.Random(seed)  # noqa: S311 - nothing here is a secret
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places = list(walk(value))
    if not places:
        return data
    holder, key = chance.choice(places)
    strange: list[Any] = [None, True, -1, 0, 2**64, 1e309, "", "\udcff", "A" * 99, [], {}, [[]], {"event": "SourceUp"}]
    holder[key] = deepcopy(chance.choice([*strange, *(inner[name] for inner, name in places)]))
    return json.dumps(value).encode()[:most]


def walk(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key or index) for each value inside `value`."""
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from walk(value[key])


def main() -> None:
    name, *options = sys.argv[1:]
    target, seeds = TARGETS[name]
    if options[:1] == ["--seeds"]:
        directory = Path(options[1])
        directory.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()):
            (directory / f"seed-{number}").write_bytes(seed)
        return

    import atheris  # type: ignore[import-untyped]  # noqa: PLC0415 - only in the fuzzer's own environment

    atheris.instrument_all()

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        changed: bytes = rewritten(data, most, seed) if seed % 2 else atheris.Mutate(data, most)
        return changed

    custom = {"custom_mutator": mutate} if target is event else {}
    atheris.Setup([sys.argv[0], *options], target, **custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
