"""A store, its operators and its links in one process: the real code of both sides in virtual time.

Real: operator's deploy, frames, session, acceptance, engine, slots, journal, locks, files on a (RAM) disk. Simulated:
time, processes, the link, systemd, and what the steps of the real recipe look at (twins). Power cuts lose what was
not synced.
"""
