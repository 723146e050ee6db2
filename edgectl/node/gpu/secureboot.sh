#!/bin/sh
# Says whether this machine's Secure Boot keeps the kernel from loading modules that nobody it knows has signed.
# Usage: secureboot.sh. One line, "WORD: sentence"; WORD is on, off, none (no UEFI) or unknown. Exit 0, unknown: 1.
root=${EDGECTL_ROOT:-}
vars=$root/sys/firmware/efi/efivars

# A variable's value is its fifth byte: before it are four of attributes.
value() { od -An -tu1 -j4 -N1 "$vars/$1" 2>/dev/null | tr -d ' '; }

[ -d "$root/sys/firmware/efi" ] || { echo "none: this machine starts without UEFI, and without Secure Boot"; exit 0; }
case $(value SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c) in
  0) echo "off: Secure Boot is off"; exit 0 ;;
  1) ;;
  *) echo "unknown: the firmware does not say whether Secure Boot is on (is efivarfs mounted?)"; exit 1 ;;
esac
if [ "$(value MokSBStateRT-605dab50-e046-4300-abb6-3dd810dd8b23)" = 1 ]; then
  echo "off: Secure Boot is on, and its shim does not check (mokutil --enable-validation would)"
  exit 0
fi
echo "on: Secure Boot is on: the kernel loads only modules that are signed with a key that it knows"
