#!/bin/bash
# A call button of mosquitto_pub and mosquitto_sub. Enter is a press; what a person would see is printed.
# A call is a file until mosquitto_pub has its PUBACK, so it outlives the line, this program and its power.
BROKER=(-h "$HOST" -p "$PORT" -u "$USERNAME" -P "$PASSWORD")
[ -n "$CA" ] && BROKER+=(--cafile "$CA")
FLASH=${FLASH:-button.calls}
mkdir -p "$FLASH"

say() {  # channel, id, values
    local at; at=$(date +%Y-%m-%dT%H:%M:%S.%3N%:z)
    printf '{"id": "%s", "at": "%s", "values": %s}' "$2" "$at" "$3"
}

publish() {  # channel, text, more words; true once it is acknowledged
    timeout "${REPEAT_S:-20}" mosquitto_pub "${BROKER[@]}" -i "$USERNAME-says" -q 1 -t "$TOPIC/$1" -m "$2" "${@:3}" 2>/dev/null
}

listen() {  # its session is kept: what it is told while away waits for it; its will is what others see when the line breaks
    while true; do
        stdbuf -oL mosquitto_sub -d "${BROKER[@]}" -i "$USERNAME" -c -k 60 -q 1 -t "$TOPIC/command" \
            --will-topic "$TOPIC/status" --will-payload '{"status": "offline"}' --will-qos 1 --will-retain 2>/dev/null
        sleep 5
    done
}

answer() {  # each line is a command, or, by -d, a step of the protocol
    local id command
    while read -r line; do
        case "$line" in
            "Client "*"received CONNACK (0)"*) publish status '{"status": "online", "model": "button.sh", "firmware": "1.0.0"}' -r ;;
            "Client "*) continue ;;
        esac
        id=$(sed -nE 's/.*"id": *"([^"\\]{1,128})".*/\1/p' <<<"$line")
        command=$(sed -nE 's/.*"command": *"([^"\\]*)".*/\1/p' <<<"$line")
        case "$command" in
            "") ;;
            receipt) sed -nE 's/.*"stage": *"([a-z]*)".*/\1/p' <<<"$line" ;;
            identify | ping) publish reply "{\"id\": \"$id\", \"result\": \"done\"}" ;;
            *) publish reply "{\"id\": \"$id\", \"error\": \"unknown command\"}" ;;
        esac
    done
}

repeat() {  # calls first, each until its PUBACK; then a heartbeat when it is time
    local next=0 call
    while true; do
        for call in "$FLASH"/*.call; do
            [ -e "$call" ] && publish alarm "$(cat "$call")" && rm "$call"
        done
        if [ "$SECONDS" -ge "$next" ] && publish report "$(say report "$(uuid)" '{"battery": 87}')"; then
            next=$((SECONDS + ${HEARTBEAT_S:-45}))
        fi
        sleep 1
    done
}

uuid() { cat /proc/sys/kernel/random/uuid; }

listen | answer &
repeat &
trap 'kill 0' EXIT
while read -r; do
    id=$(uuid)
    say alarm "$id" '{"sos": true}' >"$FLASH/new" && sync "$FLASH/new" && mv "$FLASH/new" "$FLASH/$(date +%s%N).call" && echo calling
done
