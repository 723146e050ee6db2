#!/bin/sh
# Asks nvidia-smi how the GPUs are. Usage: health.sh
# A reason line on stdout, then a CSV row for each GPU (the fields below, in this order, without units).
# Exit 0 well enough, 1 nvidia-smi does not answer, 2 a GPU has uncorrected memory errors, is lost, or needs a reset.
fields="index,uuid,pci.bus_id,name,driver_version,memory.total,temperature.gpu,pstate,ecc.errors.uncorrected.volatile.total"
reasons=clocks_event_reasons # their name since driver 535; clocks_throttle_reasons before
mig=,mig.mode.current        # since driver 450

ask() {
  told=$(timeout -k 1 8 nvidia-smi --format=csv,noheader,nounits \
    --query-gpu="$fields,$reasons.hw_slowdown,$reasons.hw_thermal_slowdown,$reasons.sw_thermal_slowdown$mig" 2>&1)
  code=$?
}

command -v nvidia-smi >/dev/null || { echo "nvidia-smi is not installed"; exit 1; }
ask
case $told in *clocks_event_reasons*"not a valid field"*) reasons=clocks_throttle_reasons; ask ;; esac
case $told in *mig.mode.current*"not a valid field"*) mig=; ask ;; esac
[ "$code" -ne 124 ] || { echo "nvidia-smi does not answer within 8 s: a GPU hangs; see dmesg for Xid"; exit 1; }

printf '%s\n' "$told" | awk -F ', *' -v code="$code" -v short="${mig:-yes}" '
  /^Unable to determine the device handle for/ { broken = broken "; " $0; next }
  !/^[0-9]+, / { if ($0 != "" && !said) said = $0; next }
  {
    gpus++
    if (short == "yes") $0 = $0 ", [N/A]"
    rows = rows "\n" $0
    if ($0 ~ /GPU is lost|GPU requires reset/) broken = broken "; GPU " $1 ($0 ~ /lost/ ? " is lost: reboot" : " needs a reset: reboot")
    else if ($9 + 0 > 0) broken = broken "; GPU " $1 " has " $9 " uncorrected memory errors: reset or replace it"
    if ($10 == "Active" || $11 == "Active" || $12 == "Active") slow = slow "; GPU " $1 " is slowed down (" $7 " degrees)"
    if ($7 + 0 > hottest) hottest = $7 + 0
  }
  END {
    if (!gpus && broken == "") { print "nvidia-smi tells nothing (exit " code "): " (said ? said : "no word why"); exit 1 }
    words = gpus + 0 " GPU" (gpus == 1 ? "" : "s") (hottest ? ", at most " hottest " degrees" : "")
    print (broken != "" ? substr(broken, 3) : words) slow rows
    exit broken != "" ? 2 : 0
  }'
