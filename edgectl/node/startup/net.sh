#!/bin/sh
# Gives k3s what it needs with the cable out: the node's own address on an interface, and a default route.
# Usage: net.sh ADDRESS [SECONDS]   waits so long for the real ones; then the interface edgectl0 stands in for them.
# What a real interface has by now is taken from edgectl0; that itself stays until the next boot, since a pod network
# may be bound to it. Says what it does; exit 0 all is there, 1 not yet (ip's own words say why), 2 no ADDRESS.
address=${1:-}
seconds=${2:-0}
mine=edgectl0
metric=4000000000 # higher than any that a real route gets by itself: it wins as soon as it is there

[ -n "$address" ] || { echo "usage: net.sh ADDRESS [SECONDS]"; exit 2; }
case $address in
  *:*) family=-6 whole=$address/128 ;;
  *) family=-4 whole=$address/32 ;;
esac

look() { # sets four variables: empty, or where the address and a default route are
  real_address='' my_address='' real_route='' my_route=''
  while read -r _ name _; do
    case $name in '') ;; "$mine") my_address=$name ;; *) real_address=$name ;; esac
  done << END
$(ip "$family" -o addr show to "$whole")
END
  while read -r line; do
    case $line in
      "default dev $mine" | "default dev $mine "*) my_route=$line ;;
      default*) real_route=$line ;;
    esac
  done << END
$(ip "$family" route show default)
END
}

stand_in() { # a kernel without dummy interfaces has bridges, which pods need anyway
  ip link show "$mine" > /dev/null 2>&1 || ip link add "$mine" type dummy 2> /dev/null || ip link add "$mine" type bridge
  ip link set "$mine" up
}

halves=$((seconds * 2))
while look; do
  [ -n "$real_address$my_address" ] && [ -n "$real_route$my_route" ] && break
  [ "$halves" -gt 0 ] || break
  halves=$((halves - 1))
  sleep 0.5
done

if [ -n "$real_address" ] && [ -n "$my_address" ]; then
  ip "$family" addr del "$whole" dev "$mine" && echo "$address is on $real_address again; taken from $mine"
elif [ -z "$real_address$my_address" ]; then
  stand_in && ip "$family" addr replace "$whole" dev "$mine" \
    && echo "$address is on no interface (a cable, DHCP?); $mine stands in"
fi
if [ -n "$real_route" ] && [ -n "$my_route" ]; then
  ip "$family" route del default dev "$mine" metric "$metric" && echo "a default route is there again; that over $mine is gone"
elif [ -z "$real_route$my_route" ]; then
  stand_in && ip "$family" route replace default dev "$mine" metric "$metric" \
    && echo "there is no default route; one over $mine stands in"
fi
look
[ -n "$real_address$my_address" ] && [ -n "$real_route$my_route" ]
