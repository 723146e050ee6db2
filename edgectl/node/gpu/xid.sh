#!/bin/sh
# Looks for NVIDIA's Xid errors of this boot in the kernel's log. Usage: xid.sh
# A reason line on stdout, then a row for each (the last 20): "fatal|other PCI-ADDRESS CODE what the kernel said".
# Exit 0 none is fatal, 2 a GPU is not to be used until it is reset or the machine rebooted.
#
# Fatal: what NVIDIA's Xid catalogue answers with a reset of the GPU, a restart of the machine or support
# (docs.nvidia.com/deploy/xid-errors): 46 62 stopped, 48 64 95 140 memory, 74 NVLink, 79 off the bus, 110 security,
# 119 120 its own firmware, 136 143 not brought up; 154 where the driver itself asks for a reset or reboot (0x1, 0x2).
# 48 is not, where 94 says that the error was contained: one program died of it, the GPU goes on. 63 (a memory row was
# replaced), 92 (many corrected errors) and what programs do wrong (13 31 43 45 68 109) never are.
journal=$(timeout -k 1 8 journalctl -q -k -b -o cat --no-pager 2>/dev/null | grep -a NVRM)
ring=$(timeout -k 1 8 dmesg 2>/dev/null | grep -a NVRM) # where no journal is kept, or journald has dropped lines

printf '%s\n%s\n' "$journal" "$ring" | awk '
  function note(address, code, text) {
    address = tolower(address)
    if ((address, code, text) in seen) return
    seen[address, code, text] = 1
    where[++rows] = address; codes[rows] = code; texts[rows] = text
    if (code == 94) contained[address] = 1
    if (code == 154) action[address] = text ~ / to 0x[12] /
  }
  BEGIN { split("46 48 62 64 74 79 95 110 119 120 136 140 143", list); for (i in list) fatal[list[i]] = 1 }
  { sub(/^.*NVRM: */, "") }
  /^Xid \((PCI:)?[0-9a-fA-F:.]+\): [0-9]+/ {
    address = $2; gsub(/[()]|PCI:|:$/, "", address)
    code = $3; sub(/,.*/, "", code)
    text = $0; sub(/^Xid \([^)]*\): [0-9]+,? */, "", text)
    note(address, code + 0, text)
    next
  }
  # Where it happens before a driver is up, there is no Xid: the address stands two lines above the words.
  /^The NVIDIA GPU [0-9a-fA-F:.]+/ { lost = $4; sub(/\.[0-9]+$/, "", lost); next }
  /^fallen off the bus/ && lost != "" { note(lost, 79, "GPU has fallen off the bus."); lost = ""; next }
  /^GPU [0-9a-fA-F:.]+: GPU has fallen off the bus/ {
    address = $2; sub(/:$/, "", address); sub(/\.[0-9]+$/, "", address); note(address, 79, "GPU has fallen off the bus.")
  }
  END {
    for (i = 1; i <= rows; i++) {
      bad = codes[i] in fatal && !(codes[i] == 48 && where[i] in contained) || codes[i] == 154 && action[where[i]]
      line[i] = (bad ? "fatal " : "other ") where[i] " " codes[i] " " texts[i]
      if (bad) { worst = i; count++ }
    }
    if (!rows) print "no Xid in this boot"
    else if (worst) print "Xid " codes[worst] " of the GPU at " where[worst] ": " texts[worst] (count > 1 ? " (and " count - 1 " more)" : "")
    else print rows " Xid in this boot, none that a GPU does not survive; the last: " codes[rows] " at " where[rows]
    for (i = rows > 20 ? rows - 19 : 1; i <= rows; i++) print line[i]
    exit worst ? 2 : 0
  }'
