"""The world, pretended: homes, residents and devices that speak MQTT and HTTP to a platform they know nothing else about."""
