"""Mail and commands: what leaves the host, or starts a program, when something happens."""
