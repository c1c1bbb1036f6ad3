"""mpathd-watch: watches every iSCSI path below dm-multipath and says what happens to it."""

__version__ = "0.1.0"
