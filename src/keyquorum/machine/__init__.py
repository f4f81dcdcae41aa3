"""Floor 4: the machine a ceremony runs on: memory that is not swapped, places that are no disk, printers."""
