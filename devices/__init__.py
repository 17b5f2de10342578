"""What a device said. Pure: bytes and the moment of receipt in, observations out; no clock, no file, no socket."""
