"""The watchdog: a process of its own that calls for help once a minute, and says so by ways of its own when nobody hears it.

It shares no code with what it watches: it connects as a kit does, listens as a console does, and tells by ways that nothing else uses.
"""
