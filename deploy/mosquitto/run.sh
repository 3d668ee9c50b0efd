#!/bin/sh
# Runs Mosquitto and makes it read its accounts again whenever `wellflow-hub agent add` or
# `agent revoke` has changed them. The hub's own account comes from its secret.
set -eu

accounts=${ACCOUNTS:-/mosquitto/accounts/passwords}
config=${CONFIG:-/mosquitto/config/mosquitto.conf}
password=${HUB_PASSWORD_FILE:-/run/secrets/hub_broker_password}
every=${LOOK_EVERY_S:-2}

touch "$accounts"
if [ -r "$password" ]; then
    mosquitto_passwd -b "$accounts" hub "$(cat "$password")"
fi
# Written by the hub's account, read by the broker's: the folder hands its group on to the file.
if [ "$(id -u)" = 0 ] && id mosquitto >/dev/null 2>&1; then
    chgrp mosquitto "$(dirname "$accounts")" "$accounts"
    chmod 2770 "$(dirname "$accounts")"
fi
chmod 0640 "$accounts"

mosquitto -c "$config" &
broker=$!
trap 'kill -TERM "$broker" 2>/dev/null; wait "$broker"; exit 0' TERM INT

state() { stat -c '%i %Y %s' "$accounts"; }
known=$(state)
while kill -0 "$broker" 2>/dev/null; do
    sleep "$every" &
    wait $! || true
    now=$(state)
    if [ "$now" != "$known" ]; then
        known=$now
        kill -HUP "$broker"
    fi
done
wait "$broker"
