#!/bin/sh
# A partner in curl, 7.71 or later: holds two seats, confirms them, and follows what happens until it has
# seen both.
#
#   examples/partner.sh http://127.0.0.1:8000 node-meetup-2025
set -eu
server=${1:-http://127.0.0.1:8000}
event=$server/v1/events/${2:-node-meetup-2025}
scratch=$(mktemp -d)
trap 'kill ${!-} 2>/dev/null || true; rm -r "$scratch"' EXIT

# The value of a field of a JSON object without objects in it; `jq -r .name` where there is jq.
field() { sed -n -e "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" -e "s/.*\"$1\":\([0-9]*\)[,}].*/\1/p"; }

# Asks until there is an answer. A key makes that safe: what is asked twice is done once. It looks at the
# status by itself, as with -f curl would ask again after a refusal, too.
ask() {
  status=$(curl -sS --max-time 10 --retry 5 --retry-delay 1 --retry-all-errors \
    -o "$scratch/answer" -w '%{http_code}' "$@")
  case $status in
    2??) cat "$scratch/answer" ;;
    *)
      # A problem (RFC 9457): `code` is for programs, `detail` for people.
      code=$(field code <"$scratch/answer")
      echo "${code:-$status}: $(field detail <"$scratch/answer")" >&2
      exit 1
      ;;
  esac
}

# Where to follow from: of what happens after this version, nothing is missed.
now=$(ask "$event")
since=$(echo "$now" | field version)

key=$(cat /proc/sys/kernel/random/uuid)
held=$(ask "$event/reservations" -H 'Content-Type: application/json' -H "Idempotency-Key: $key" \
  -d '{"partnerId":"curl-partner","seats":2,"hold":60}')
id=$(echo "$held" | field reservationId)
echo "holds 2 seats as $id until $(echo "$held" | field expiresAt)"

confirmed=$(ask -X POST "$event/reservations/$id/confirm" -H "Idempotency-Key: $key-confirm")
echo "$confirmed" | field status

# Each frame is a line `data: {…}` after a line `id: …`, its version. The feed has no end, so curl is told
# when it is enough; whoever loses the connection goes on where he was.
mkfifo "$scratch/feed"
for try in 1 2 3 4 5; do
  curl -fsSN "$event/feed?since=$since" >"$scratch/feed" &
  while read -r word value; do
    case $word in
      id:) version=$value ;;
      data:)
        # Only now: the connection may end between a version and its frame, or within it.
        since=$version
        case $value in
          *"$id"*)
            kind=$(echo "$value" | field type)
            echo "version $(echo "$value" | field version): $kind"
            [ "$kind" = confirmed ] && exit
            ;;
        esac
        ;;
    esac
  done <"$scratch/feed"
  sleep 1
done
echo "the feed ended $try times before both were seen" >&2
exit 1
