"""Store nodes as systemd-nspawn machines, on disks and networks of their own.

Must not know what edgectl installs on them.
"""
