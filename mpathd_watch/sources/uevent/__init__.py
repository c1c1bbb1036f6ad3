"""The kernel's uevents: dm-multipath's path events, other block devices, and unit attentions of SCSI devices."""
