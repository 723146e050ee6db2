#!/bin/sh
# The same text for ever: runs the engine of what this node is becoming, else of what it runs.
for slot in candidate current; do
  engine=/var/lib/edgectl/slots/$slot/runtime
  if [ -f "$engine/__main__.py" ]; then
    # By its own name: the links of a slot are switched while the engine runs.
    exec /usr/bin/env python3 -I "$(readlink -f "$engine")" "$@"
  fi
done
echo "edgectl: nothing has been deployed to this node yet. Deploy it from the operator's machine." >&2
exit 5
