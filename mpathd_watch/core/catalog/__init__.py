"""The tables of the contract: alerts, findings, journal fields. The docs and the journal catalog are made from them."""
