"""``python -m mpathd_watch``."""

from mpathd_watch.cli import main

raise SystemExit(main())
