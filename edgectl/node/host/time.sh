#!/bin/sh
# Says whether this node's clock is synchronised, and by whom. Usage: time.sh [SERVER...] (the declared ones, for the line)
# One reason line on stdout; exit 0 ready, 1 not yet.
root=${EDGECTL_ROOT:-}
asked=${*:-any}

later() { echo "the clock is not synchronised ($1)"; exit 1; }

if command -v chronyc >/dev/null && told=$(timeout 5 chronyc -c -n tracking 2>&1); then
  # reference, address, stratum, ..., leap status (chronyc(1), tracking); -c: with commas
  case $told in
    *,"Not synchronised") later "no server answers: $asked" ;;
    7F7F*) later "chrony follows its own clock; no server answers: $asked" ;;
    *,*,*) ;;
    *) later "chronyc says: $told" ;;
  esac
  by=${told#*,}
  echo "synchronised with ${by%%,*} by chrony"
  exit 0
fi
if [ -d "$root/run/systemd/timesync" ]; then # systemd-timesyncd's own, as long as it runs
  [ -e "$root/run/systemd/timesync/synchronized" ] || later "no server answers: $asked"
  echo "synchronised by systemd-timesyncd"
  exit 0
fi
# The kernel's word: by whatever else keeps the time here (ntpd, ptp4l).
if [ "$(timeout 5 timedatectl show -p NTPSynchronized --value 2>/dev/null)" = yes ]; then
  echo "synchronised"
  exit 0
fi
later "neither chrony nor systemd-timesyncd runs: put chrony into host.packages, or enable it in host.services"
