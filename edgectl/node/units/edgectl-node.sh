#!/bin/sh
# The same text for ever: runs the engine of what this node is becoming, else of what it runs.
# Counts the runs of a candidate: one whose engine cannot even start is given up after three, for what runs.
slots=/var/lib/edgectl/slots
slot=current
if [ -f "$slots/candidate/runtime/__main__.py" ]; then
  slot=candidate
  if [ "${1:-}" = converge ] && [ -e "$slots/current" ]; then
    tries=$(cat "$slots/candidate/tries" 2>/dev/null)
    case $tries in '' | 0* | *[!0-9]*) tries=0 ;; esac # a count torn by a power cut starts anew
    tries=$((tries + 1))
    echo "$tries" > "$slots/candidate/tries"
    [ "$tries" -le 3 ] || slot=current
  fi
fi
if [ ! -f "$slots/$slot/runtime/__main__.py" ]; then
  echo "edgectl: nothing has been deployed to this node yet. Deploy it from the operator's machine." >&2
  exit 5
fi
# By its own name: the links of a slot are switched while the engine runs, and it reads its probe scripts after that.
exec /usr/bin/env python3 -I "$(readlink -f "$slots/$slot/runtime")" "$@"
