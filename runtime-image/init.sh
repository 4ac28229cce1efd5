#!/bin/bash
# PID 1 of the image. Starts the daemon that lies beside this file, hands SIGTERM and SIGINT on to it, reaps the orphans that
# commands leave behind (bash waits for every child that it inherits), and ends as the daemon ends.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# In an image of the user's own a Node for the daemon lies here too, because the image has another one or none.
node=node
if [ -x "$here/node" ]; then node="$here/node"; fi

"$node" "$here/daemon.js" &
daemon=$!
trap 'kill -TERM "$daemon" 2>/dev/null' TERM
trap 'kill -INT "$daemon" 2>/dev/null' INT

# A signal interrupts wait while the daemon still runs.
wait "$daemon"
status=$?
while kill -0 "$daemon" 2>/dev/null; do
  wait "$daemon"
  status=$?
done
exit "$status"
