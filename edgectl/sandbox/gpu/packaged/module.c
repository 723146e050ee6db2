/* What stands for a kernel module on a disk: kmod reads its name and version as it would a real one's. Nothing runs. */
#define INFO(tag, text) static const char tag[] __attribute__((section(".modinfo"), used, aligned(1))) = #tag "=" text

INFO(license, "Dual MIT/GPL");
INFO(version, VERSION);
INFO(name, NAME);
INFO(depends, DEPENDS);
