"""The control socket: what an administrator may ask a running daemon to do."""
