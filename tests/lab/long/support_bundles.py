"""Makes the support bundles of tests/golden/bundles: of a healthy SAN, and of one with a link down.

sos builds one with its own plugins, as `sos report` does. supportconfig is not in Debian: what it would run is run in
the same guest, and written in its format (supportutils 3.2, bin/supportconfig and bin/supportconfig.rc).

sos 4.0 of Debian 12 and 4.9 of Debian 13 name files differently. The logs of the scenario have the bundles as
`STATE.tar`, and in `STATE/` the part of them that is kept as golden data (tests/golden/bundles/README.md).
"""

import tempfile
from pathlib import Path

from tests.lab.kit import bundles, packages
from tests.lab.kit.san import PORTALS
from tests.lab.kit.scenario import SESSION_LOSS, Lab

ALERTS = SESSION_LOSS

SUITES = ("trixie", "bookworm")

SOS = {
    "trixie": (
        *("sos", "python3-yaml", "libyaml-0-2", "python3-pexpect", "python3-ptyprocess", "python3-packaging"),
        *("python3-magic", "libmagic1t64", "libmagic-mgc"),
    ),
    "bookworm": ("sosreport", "python3-pexpect", "python3-ptyprocess"),
}
"""Suite -> the packages of sos that the image lacks."""
PLUGINS = "multipath,iscsi,devicemapper,block,scsi,devices,logs,networking,date,dpkg,host,process"

SUPPORTCONFIG = r"""
set -u
LOG=$1; mkdir -p $LOG
command_() {
	file=$LOG/$1; shift
	name=${1%% *}; path=$(command -v $name || echo $name)
	{ echo "#==[ Command ]======================================#"; echo "# $path${1#$name}"
	if command -v $name >/dev/null; then sh -c "$1" 2>&1; else echo "ERROR: Command not found or not executable"; fi
	echo; } >> $file
}
conf() {
	file=$LOG/$1; shift
	for each in "$@"; do
		echo "#==[ Configuration File ]===========================#" >> $file
		if [ -f $each ]; then
			echo "# $each" >> $file
			sed -e '/^[[:space:]]*#/d;/^[[:space:]]*;/d;s/\r//g;/^[[:space:]]*$/d' $each >> $file
			echo >> $file
		else
			echo "# $each - File not found" >> $file
		fi
		echo >> $file
	done
}
command_ basic-environment.txt date
command_ basic-environment.txt "uname -a"
command_ mpio.txt "systemctl status multipathd.service"
command_ mpio.txt "multipath -ll"
command_ mpio.txt "ls -lR --time-style=long-iso /dev/disk/"
conf mpio.txt /etc/multipath.conf $(find /etc/multipath -type f)
command_ mpio.txt "lsscsi -g"
command_ mpio.txt "dmsetup ls --tree"
command_ mpio.txt "dmsetup table"
command_ mpio.txt "dmsetup info"
command_ mpio.txt "udevadm info -e"
command_ mpio.txt "multipath -t"
command_ fs-iscsi.txt "systemctl status iscsid.service"
conf fs-iscsi.txt /etc/iscsi/initiatorname.iscsi /etc/iscsi/iscsid.conf
for mode in discovery iface host session; do
	command_ fs-iscsi.txt "iscsiadm -m $mode"
	command_ fs-iscsi.txt "iscsiadm -m $mode -P 1"
done
command_ fs-iscsi.txt "iscsiadm -m node"
command_ fs-iscsi.txt "iscsiadm -m node -P 1"
for node in $(iscsiadm -m node -P 1 | grep -i Target | awk '{print $2}'); do
	command_ fs-iscsi.txt "iscsiadm -m node -T $node"
done
command_ fs-diskio.txt "ls -l --time-style=long-iso /sys/block/"
command_ fs-diskio.txt "lsscsi"
command_ fs-diskio.txt "lsscsi -H"
command_ fs-diskio.txt "lsscsi -v"
command_ network.txt "ip addr"
command_ network.txt "ip route"
command_ network.txt "ip -stats link"
command_ messages.txt "journalctl --no-pager --output=short-iso --lines 200000"
"""


def run(lab: Lab) -> None:
    with tempfile.TemporaryDirectory(prefix="mpathd-watch-lab-sos-") as work:
        packages.install(lab.guest, SOS[lab.guest.image.suite], Path(work))
    # The session that a bundle is asked about has a secret, which must not be seen anywhere.
    lab.guest.run(
        "for name in username password; do"
        " iscsiadm -m node -o update -n node.session.auth.$name -v secret-of-the-lab; done"
    )
    lab.guest.write_file("/root/supportconfig", SUPPORTCONFIG)
    collect(lab, "healthy")
    cut = lab.faults.link_down(2)
    lab.see_dm(PORTALS[2], "F", cut, timeout=60)
    collect(lab, "link-down")
    lab.faults.link_up(2)
    lab.see_dm(PORTALS[2], "A", cut, timeout=120)


def collect(lab: Lab, state: str) -> None:
    """Build both bundles of the present state, and keep them as `STATE.tar` with the logs."""
    directory = f"/root/bundles/{state}"
    lab.guest.run(f"mkdir -p {directory}/sos && sh /root/supportconfig {directory}/supportconfig", timeout=120)
    lab.guest.run(
        f"sos report --batch --build --quiet --tmp-dir {directory}/sos --only-plugins {PLUGINS}"
        f" > {directory}/sos.log 2>&1 || {{ tail -n 20 {directory}/sos.log >&2; exit 1; }}",
        timeout=900,
    )
    lab.guest.run(f"tar -C /root/bundles -cf /root/{state}.tar {state}", timeout=120)
    (lab.logs / f"{state}.tar").write_bytes(lab.guest.read_file(f"/root/{state}.tar"))
    bundles.take(lab.logs / f"{state}.tar", lab.logs / state)
    lab.say(f"{state}: {lab.guest.run(f'find {directory} -type f | wc -l').strip()} files")
