"""A mail server on a port of the guest's loopback, which writes a line of JSON for each mail that it accepts.

python3 mail_server.py PORT LOG
"""

import json
import sys
import time
from pathlib import Path

from tests.fakes.smtp import SmtpServer  # the lab puts it below the directory of this file

if __name__ == "__main__":
    port, path = int(sys.argv[1]), sys.argv[2]
    with Path(path).open("w", encoding="utf-8") as log, SmtpServer(port) as server:
        told = 0
        print(json.dumps({"mono": time.monotonic(), "ready": True}), file=log, flush=True)
        while True:
            time.sleep(0.05)
            for received in server.received[told:]:
                told += 1
                mail = received.mail
                line = {
                    "mono": received.at,
                    "subject": mail["Subject"],
                    "event": mail["X-Mpathd-Watch-Event"],
                    "incident": mail["X-Mpathd-Watch-Incident"],
                    "text": mail.get_content(),
                }
                print(json.dumps(line), file=log, flush=True)
