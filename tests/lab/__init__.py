"""The real-kernel lab: a QEMU guest with a two-path iSCSI SAN, and scenarios that break it."""
