"""Where knowledge comes from: each source turns one part of the system into events, and changes nothing."""
