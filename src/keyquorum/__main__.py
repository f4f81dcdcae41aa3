"""``python -m keyquorum`` is ``keyquorum``."""

from keyquorum.cli import main

if __name__ == "__main__":
    main()
