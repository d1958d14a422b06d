#!/bin/sh
# A partner in curl: holds two seats, confirms them, and follows what happens until it has seen both.
#
#   examples/partner.sh http://127.0.0.1:8000 node-meetup-2025
set -eu
server=${1:-http://127.0.0.1:8000}
event=$server/v1/events/${2:-node-meetup-2025}

# The value of a field of a JSON object without objects in it; `jq -r .name` where there is jq.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }

# Where to follow from: of what happens after this version, nothing is missed.
now=$(curl -fsS "$event")
since=$(echo "$now" | field version)

# A key makes it safe to ask again, as --retry does after a lost answer: it is done once.
key=$(cat /proc/sys/kernel/random/uuid)
held=$(curl -fsS --retry 5 "$event/reservations" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $key" -d '{"partnerId":"curl-partner","seats":2,"hold":60}')
id=$(echo "$held" | field reservationId)
echo "holds 2 seats as $id until $(echo "$held" | field expiresAt)"

confirmed=$(curl -fsS --retry 5 -X POST "$event/reservations/$id/confirm" \
  -H "Idempotency-Key: $key-confirm")
echo "$confirmed" | field status

# Each frame is a line `data: {…}`. The feed has no end, so curl is told when it is enough.
scratch=$(mktemp -d)
mkfifo "$scratch/feed"
curl -fsSN "$event/feed?since=$since" >"$scratch/feed" &
trap 'kill $! 2>/dev/null; rm -r "$scratch"' EXIT
while read -r word frame; do
  case "$word $frame" in
    "data: "*"$id"*)
      kind=$(echo "$frame" | field type)
      echo "version $(echo "$frame" | field version): $kind"
      [ "$kind" = confirmed ] && break
      ;;
  esac
done <"$scratch/feed"
