"""What multipathd sends and prints, and the files that configure it."""

from __future__ import annotations

from collections.abc import Iterable

from mpathd_watch.core.formats.multipath_conf import (
    Document,
    Version,
    blacklist,
    merge,
    parse,
    parse_printed,
    resolver,
    separated,
)
from mpathd_watch.core.formats.multipath_conf.model import NEWEST
from mpathd_watch.sources.multipathd import protocol
from mpathd_watch.sources.multipathd.replies import BadReply, parse_configuration, parse_maps, parse_paths
from tests.fuzz.seeds import GOLDEN
from tests.fuzz.target import Target, must, text_of

VERSIONS: tuple[Version, ...] = ((0, 9, 4), (0, 11, 1), NEWEST)
SECOND_FILE = "\n# and then\n"
"""Parts the text of a file from that of the next in conf.d."""

NO_TABLE = parse("", "no table")
"""Mostly used instead of the built-in hardware table, which takes longer to read than most inputs."""

DISK = {"vendor": "IET", "product": "VIRTUAL-DISK"}
WWID = "360000000000000000e00000000010001"


# --- its socket -------------------------------------------------------------------------------------------------------


def framing(data: bytes) -> None:
    """Read the replies in a stream, as the client does."""
    while len(data) >= protocol.LENGTH_SIZE:
        length = protocol.decode_length(data[: protocol.LENGTH_SIZE])
        body, data = data[protocol.LENGTH_SIZE :][:length], data[protocol.LENGTH_SIZE + length :]
        must("\0" not in protocol.decode_reply(bytearray(body)), "a NUL in a text")


def framing_seeds() -> Iterable[bytes]:
    for body in (b"ok\n\0", b"pid 1 idle\n\0", b"\xff\xfe\0rest"):
        yield len(body).to_bytes(8, "little") + body


def reply(data: bytes) -> str:
    """The text of a reply with this body."""
    return protocol.decode_reply(data)


def paths(data: bytes) -> None:
    """Read ``show paths raw format``."""
    parse_paths(reply(data))


def path_seeds() -> Iterable[bytes]:
    yield b"3600a|mpath|a|sda|8:0|active|ready|tur|normal|0\n-|[orphan]|-|#:#|undef|undef|(null)||\n"
    yield b"1.2 | notice\nok\n"


def maps(data: bytes) -> None:
    """Read ``show maps json``."""
    parse_maps(reply(data))


def map_seeds() -> Iterable[bytes]:
    for path in sorted(GOLDEN.glob("multipathd/*maps*json*")):
        yield path.read_bytes()


def local_configuration(data: bytes) -> None:
    """Read ``show config local``, with the checks of the reply."""
    parse_configuration(reply(data), NEWEST)


# --- configurations ---------------------------------------------------------------------------------------------------


def multipath_conf(data: bytes) -> None:
    """Read, merge, resolve, and ask what is hidden."""
    version = VERSIONS[len(data) % len(VERSIONS)]
    texts = text_of(data).split(SECOND_FILE)
    documents = [parse(text, f"/etc/multipath/conf.d/{number}.conf", version) for number, text in enumerate(texts)]
    problems = (f"{problem.text}{problem.keyword}" for document in documents for problem in document.problems)
    must("".join(problems).isprintable(), "a problem can't be printed")
    ask(merge(documents), version, hardware=None if data[-2:] == b"\n " else NO_TABLE)


def multipathd_config(data: bytes) -> None:
    """Read what multipathd prints, with the hardware table it prints."""
    version = VERSIONS[len(data) % len(VERSIONS)]
    document = parse_printed(text_of(data), "multipathd", version)
    ask(separated(document, NO_TABLE), version, hardware=document)


def ask(document: Document, version: Version, hardware: Document | None = None) -> None:
    """Put all questions to a configuration."""
    prepared = resolver(document, version=version, hardware=hardware)
    prepared.resolve(wwid=WWID, **DISK, protocol="scsi:iscsi")
    prepared.uid_attribute(devnode="sda", **DISK)
    list(prepared.aliases())
    entries = blacklist(document, version=version, hardware=hardware)
    entries.hides(devnode="sda", wwid=WWID, **DISK, protocol="scsi:iscsi")


def conf_seeds() -> Iterable[bytes]:
    for path in sorted(GOLDEN.glob("conf/multipath*")):
        yield path.read_bytes()
    yield (
        b"overrides {\n\tprotocol {\n\t\ttype scsi:iscsi\n\t\tfast_io_fail_tmo 20\n\t}\n}\n" + SECOND_FILE.encode()
    ) * 2
    device = b'\tdevice {\n\t\tvendor "A.*"\n\t\tproduct "(B|C)+"\n\t}\n'
    yield b'blacklist {\n\tdevnode "!^(sd[a-z]|dm-[0-9]{1,3})"\n' + device + b"}\n"


def printed_seeds() -> Iterable[bytes]:
    for path in sorted(GOLDEN.glob("multipathd/*config-local*")):
        yield path.read_bytes()


_CONF = (
    *(b"defaults {\n", b"devices {\n", b"device {\n", b"multipaths {\n", b"multipath {\n", b"blacklist {\n", b"}\n"),
    *(b"blacklist_exceptions {\n", b"overrides {\n", b"protocol {\n", b"type scsi:iscsi\n", b"polling_interval "),
    *(b"no_path_retry ", b"features ", b'"1 queue_if_no_path"\n', b"wwid ", b"alias ", b"vendor ", b"product "),
    *(b'devnode "', b'"\n', b"12\n", b"fail\n", b"product_blacklist ", b"fast_io_fail_tmo ", b"dev_loss_tmo "),
    *(b"infinity\n", b"off\n", b"uid_attrs ", b"sd:ID_SERIAL\n", b"# ", b"!", b"\t", b"reservation_key "),
    *(b'devnode "^(sd|vd)[a-z]+[0-9]{1,40}$"\n', b'devnode "[[:alpha:]]{2,}|x*?"\n', b'wwid ".{0,99}"\n'),
    *(b"property ", b'"!', b'"\\!', SECOND_FILE.encode()),
)
_ROW = b"3600a|mpatha|sda|8:0|active|ready|tur|normal|0\n"
_MEMBERS = (
    *(
        b'"name" : "',
        b'",\n',
        b'"uuid" : "',
        b'"path_groups" : [{',
        b'"paths": [{',
        b'"dev" : "sda",\n',
        b'"pri" : 50,',
    ),
    *(
        b'"dev_t" : "8:0",\n',
        b'{"major_version": 0,"minor_version": 1,"maps": [',
        b"}]}",
        b"\\",
        b'"features" : "0",\n',
    ),
    *(b'"queueing" : "off",\n', b'"group" : 1,', b"9" * 30, b"null", b"1e999", b"{}", b"[]", b" "),
)

TARGETS = (
    Target("multipathd_framing", framing, framing_seeds, errors=(protocol.BadLength,)),
    Target(
        "multipathd_paths",
        paths,
        path_seeds,
        (_ROW, b"|", b"8:0", b"active", b"#:#", b"1.2 | notice\n", b"ok\n", b"fail\n", b"timeout\n", b"[orphan]"),
        errors=(BadReply,),
    ),
    Target("multipathd_maps", maps, map_seeds, _MEMBERS, (b"[", b'{"a":', b'{"maps":['), (BadReply,)),
    Target("multipathd_config", local_configuration, printed_seeds, _CONF[::4], (b"device {\n",), (BadReply,)),
    Target("printed_config", multipathd_config, printed_seeds, _CONF[1::3], (b"devices {\n",)),
    Target("multipath_conf", multipath_conf, conf_seeds, _CONF, (b"devices {\n", b'devnode "(')),
)
