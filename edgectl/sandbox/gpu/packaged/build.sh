#!/bin/sh
# What DKMS runs to build the modules. Usage: build.sh KERNEL. They were compiled before, since a node has no compiler;
# that the build fails is said by the knob `dkms` of the pretend machine.
kernel=$1
if [ "$(cat /etc/sandbox-gpu/dkms 2>/dev/null)" = fails ]; then
  echo "make[1]: Entering directory '/usr/src/linux-headers-$kernel'"
  echo "nvidia/nv-mmap.c:450:9: error: implicit declaration of function 'vm_flags_set'"
  echo "make[3]: *** [scripts/Makefile.build:250: nvidia/nv-mmap.o] Error 1"
  exit 2
fi
for shipped in *.ko_shipped; do
  cp "$shipped" "${shipped%_shipped}" || exit 2
  echo "  LD [M]  ${shipped%_shipped}"
done
