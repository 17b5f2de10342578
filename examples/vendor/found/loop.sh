#!/bin/bash
# mosquitto_pub in a loop, as one writes it first: a battery level each 45 s, Enter is a press.
say() {
    mosquitto_pub -h "$HOST" -p "$PORT" -u "$USERNAME" -P "$PASSWORD" -q 1 -t "$TOPIC/report" -m "{\"values\": $1}"
}
say '{"battery": 87}'
while true; do
    if read -r -t "${HEARTBEAT_S:-45}"; then say '{"sos": true}'; else say '{"battery": 87}'; fi
done
