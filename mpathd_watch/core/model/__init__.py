"""What everything else stands on: words, facts, names, moments."""
