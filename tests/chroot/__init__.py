"""The tests in a chroot of Debian sid, on its Python and with its libraries."""
