#!/bin/sh
# Says what to do where Secure Boot refuses the driver's module. Usage: refused.sh VERSION
root=${EDGECTL_ROOT:-}
for key in /var/lib/dkms/mok.pub /var/lib/shim-signed/mok/MOK.der; do # Debian's, Ubuntu's
  [ -e "$root$key" ] || continue
  echo "Secure Boot refuses the module of driver $1: its key is not enrolled. At the machine: mokutil --import $key, reboot, confirm it on the screen (Enroll MOK); or turn Secure Boot off in the firmware"
  exit 0
done
echo "Secure Boot refuses the module of driver $1, which is not signed: turn Secure Boot off in the firmware, or let DKMS sign it (apt-get install openssl mokutil, dkms build) and enrol its key: mokutil --import /var/lib/dkms/mok.pub"
