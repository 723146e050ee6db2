#!/bin/sh
# The same text for ever: runs the engine of what this node is becoming, else of what it runs.
# Counts the runs of a candidate: one whose engine cannot even start is given up after three, for what runs.
slots=/var/lib/edgectl/slots
slot=current
if [ -f "$slots/candidate/runtime/__main__.py" ]; then
  slot=candidate
  if [ "${1:-}" = converge ] && [ -e "$slots/current" ]; then
    tries=$(cat "$slots/candidate/tries" 2>/dev/null)
    tries=$((${tries:-0} + 1))
    echo "$tries" > "$slots/candidate/tries"
    [ "$tries" -le 3 ] || slot=current
  fi
fi
if [ ! -f "$slots/$slot/runtime/__main__.py" ]; then
  echo "edgectl: nothing has been deployed to this node yet. Deploy it from the operator's machine." >&2
  exit 5
fi
exec /usr/bin/env python3 -I "$slots/$slot/runtime" "$@"
