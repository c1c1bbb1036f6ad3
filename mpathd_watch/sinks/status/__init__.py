"""The status: one document of everything a person asks first, and its forms on a terminal and in ``STATUS=``."""
