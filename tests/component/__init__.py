"""Whole rooms against real sockets, threads and processes."""
