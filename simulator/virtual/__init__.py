"""Virtual devices with their firmware, without socket and clock: what the certification suite is proven on."""
