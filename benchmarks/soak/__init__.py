"""Whether the daemon can run for long: ``make soak`` has it work hard, judges it by bounds, and writes docs/soak.md."""
