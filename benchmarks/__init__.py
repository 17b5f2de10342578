"""How fast, how much, how long: one command that measures the running service beside its limits and its peer. `docs/performance.md`.

Every figure comes from processes started by the ordinary command on this machine, under a load from a process of its own. A figure
alone says little on a machine that others share, so each run measures the limit and, by `--peer`, the peer as well, one after
the other, and the tables show ratios.
"""
