#!/bin/sh
# Says what sudo lets accounts do, as sudo itself understands its files. Usage: rights.sh NAME...
# Each name's own line first: `user NAME`. Exit 0; 2 where there is no sudo.
command -v sudo >/dev/null || { echo "sudo is not installed"; exit 2; }
for name; do
  echo "user $name"
  sudo -n -l -U "$name" 2>&1
done
exit 0
