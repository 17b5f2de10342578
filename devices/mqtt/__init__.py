"""MQTT without I/O: the wire format and the protocol's states; bytes and `now` in, events and bytes out."""
