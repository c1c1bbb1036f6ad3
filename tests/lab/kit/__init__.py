"""The lab's library: image, guest, SAN, faults, truth, and what the product said."""
