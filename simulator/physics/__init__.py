"""What the world does by itself: fire, carbon monoxide, cells, radio, quartz. A few equations each, with their source; no device."""
