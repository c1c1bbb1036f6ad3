"""A disk of the kernel's scsi_debug with two paths: it reports by a unit attention that it has grown."""

from __future__ import annotations

WWID = "1Linux_scsi_debug_2000"
"""What udev makes of the T10 designator, which it prefers here. With `vpd_use_hostno=0` all hosts have the same disk:
2000 is the number that scsi_debug.c counts its LUNs from."""

PLUG_IN = """\
modprobe scsi_debug add_host=0 vpd_use_hostno=0 dev_size_mb=32 && cd /sys/bus/pseudo && paths=0
while [ $paths -lt 2 ]; do
    echo 1 > drivers/scsi_debug/add_host
    newest=$(ls -d devices/adapter*/host* | sed 's/.*host//' | sort -n | tail -n 1)
    if [ $((newest % 3)) -eq 2 ]; then
        echo 1 > /sys/class/scsi_device/$newest:0:0:0/device/delete || exit 1
    else
        paths=$((paths + 1))
    fi
done"""
"""Adds hosts until two have the disk. The state of a path's port group is the host's number modulo 3
(resp_report_tgtpgs() in drivers/scsi/scsi_debug.c), and 2 is standby: such a path is removed."""

_DISKS = "/sys/bus/pseudo/devices/adapter*/host*/target*/*/block"

RESCAN = f"for disk in {_DISKS}/*; do echo 1 > $disk/device/rescan; done"
"""Has the kernel ask both disks for their size."""

RESIZE = f"timeout 20 sh -c 'until multipathd resize map {WWID}; do sleep 0.5; done'"
"""Has multipathd resize the map. It refuses as long as it waits for udev's event about a map that it has just created
("device not fully created", cli_resize in multipathd/cli_handlers.c)."""

SIZES = f"cat {_DISKS}/*/size"
"""Prints the size of both disks in sectors."""

SECTORS_OF_GIB = 1 << 21


def grow(gib: int) -> str:
    """Return the command that gives the disk this size; each path gets a unit attention with its next command."""
    return f"echo {gib} > /sys/bus/pseudo/drivers/scsi_debug/virtual_gb"
