"""The sandbox's k3s: the official release or the stand-in, with Helm and CoreDNS, as programs in the cache."""
