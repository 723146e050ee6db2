"""What apt, dpkg, package files and DKMS say, as they really do, and what is made of it."""

from __future__ import annotations

import pytest

from edgectl.node.host.packages.foreseen import Foreseen, foreseen, unmet, why
from edgectl.node.host.packages.stanzas import stanzas
from edgectl.node.host.packages.tried import brings_modules, named, reason, tools
from edgectl.node.io.programs import Ran
from tests.unit.node.fake import ran

SIMULATED = """\
Reading package lists...
The following packages will be REMOVED:
  systemd-timesyncd
Remv systemd-timesyncd [252.26-1~deb12u2] [libnss-myhostname:amd64 ]
Inst libfoo1 [1.0] (1:2.0~rc1-1 localhost [amd64]) []
Inst libfoo1:i386 [1.0] (1:2.0~rc1-1 localhost [i386])
Inst chrony (4.3-2+deb12u1 localhost [amd64])
Conf libfoo1 (1:2.0~rc1-1 localhost [amd64])
"""
LACKS = """\
The following packages have unmet dependencies:
 needy : Depends: gone (>= 2) but it is not installable
         Depends: bar (>= 3) but 1.0 is to be installed
 other : PreDepends: libfoo1 but it is not going to be installed
         Breaks: rival (< 2) but 1.0 is to be installed
"""
LACKS_APT_3 = LACKS.replace("The following packages have unmet dependencies:", "Unsatisfied dependencies:")
SCRIPT = """\
debconf: delaying package configuration, since apt-utils is not installed
cannot reach the moon
dpkg: error processing package bad (--configure):
 installed bad package post-installation script subprocess returned error exit status 3
dpkg: dependency problems prevent configuration of usesbad:
 usesbad depends on bad; however:
  Package bad is not configured yet.

Errors were encountered while processing:
 bad
E: Sub-process /usr/bin/dpkg returned an error code (1)
"""
FULL = """\
dpkg: error processing archive /var/lib/edgectl/apt/./big_1_all.deb (--unpack):
 cannot copy extracted data for './usr/f' to '/usr/f.dpkg-new': failed to write (No space left on device)
E: Sub-process /usr/bin/dpkg returned an error code (1)
"""


def test_what_apt_would_do_is_read() -> None:
    """What comes, in the place of which version, and what goes."""
    plan = foreseen(SIMULATED)
    assert plan.goes == {"systemd-timesyncd": "252.26-1~deb12u2"}
    assert plan.comes == {"libfoo1": ("1.0", "1:2.0~rc1-1"), "chrony": ("", "4.3-2+deb12u1")}
    assert plan.before == {"libfoo1": "1.0", "chrony": "", "systemd-timesyncd": "252.26-1~deb12u2"}
    assert foreseen("Reading package lists...\n") == Foreseen()


@pytest.mark.parametrize("out", [LACKS, LACKS_APT_3])
def test_what_is_lacking_is_named_with_who_needs_it(out: str) -> None:
    """All of it, in one sentence."""
    said = unmet(ran(out, code=100, err="E: Unable to correct problems, you have held broken packages."))
    assert said.startswith(
        "needy needs gone (>= 2), but it is not installable; needy needs bar (>= 3), but 1.0 is to be installed; "
        "other needs libfoo1, but it is not going to be installed; other does not go with rival (< 2)"
    )
    assert "add it to the bundle" in said


def test_what_apt_says_otherwise_is_passed_on() -> None:
    """Its own last words, without their mark; and a system that is broken by itself is nobody's bundle's fault."""
    assert unmet(ran("", code=100, err="E: Unable to locate package x")).startswith("Unable to locate package x; ")
    broken = "You might want to run 'apt --fix-broken install' to correct these.\n" + LACKS
    said = unmet(ran(broken, code=100, err="E: Unmet dependencies."))
    assert "packages of this system do not fit together" in said
    assert "bundle" not in said


def test_which_script_failed_is_named_with_its_last_words() -> None:
    """Not dpkg's noise after it, nor debconf's before it; where it was silent, the other output's last."""
    assert why(ran("Setting up bad (2) ...\n", code=100, err=SCRIPT)) == (
        'bad: its post-installation script returned error exit status 3 ("cannot reach the moon")'
    )
    silent = SCRIPT.replace("cannot reach the moon\n", "")
    assert why(ran("Setting up bad (2) ...\ntrying\n", code=100, err=silent)).endswith('3 ("trying")')
    assert "big_1_all.deb: cannot copy" in why(ran("", code=100, err=FULL))
    assert "No space left on device" in why(ran("", code=100, err=FULL))
    assert why(Ran(("apt-get",), None, "", "", 1800.0)) == "apt did not end in 1800 s"
    assert why(ran("", code=100, err="E: what\n")) == "what"


def test_fields_of_packages_are_read() -> None:
    """Long ones over several lines, whatever their case; a package takes a place only if it says both, of the same."""
    text = (
        "Package: chrony\nVersion: 1\nArchitecture: amd64\nConflicts: time-daemon,\n ntp\nreplaces: time-daemon\n"
        "Installed-Size: 7\nDescription: x\n .\n y\n\nPackage: b\nConflicts: ntp\nInstalled-Size: many\n"
    )
    chrony, other = stanzas(text)
    assert chrony.identity == ("chrony", "1", "amd64")
    assert (chrony.installed_bytes, other.installed_bytes) == (7168, 0)
    assert chrony.takes_the_place_of("timesyncd", frozenset({"time-daemon"}))
    assert not chrony.takes_the_place_of("ntp", frozenset()), "it says that both cannot be, not that it comes instead"
    assert not other.takes_the_place_of("ntp", frozenset())
    assert stanzas("") == []


def test_which_packages_bring_modules_and_what_they_are_built_with() -> None:
    """What depends on DKMS, whatever it is called; the builder and the headers that come with it come first."""
    found = stanzas(
        "Package: a\nDepends: dkms (>= 2), x\n\nPackage: b\nPre-Depends: dkms\n\nPackage: dkms\nDepends: gcc\n"
    )
    assert [one.name for one in brings_modules(found)] == ["a", "b"]
    plan = Foreseen({"dkms": ("", "3"), "linux-headers-6.1.0-18-amd64": ("", "6.1"), "libcuda1": ("1", "2")})
    assert tools(plan) == {"dkms": "3", "linux-headers-6.1.0-18-amd64": "6.1"}


@pytest.mark.parametrize(
    ("conf", "folder", "want"),
    [
        ('PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="595.91"\n', "nvidia-595.91", ("nvidia", "595.91")),
        (
            "PACKAGE_NAME=nvidia-current-open\nPACKAGE_VERSION=1\n",
            "nvidia-current-open-535.1",
            ("nvidia-current-open", "535.1"),
        ),
        (
            'PACKAGE_VERSION="#MODULE_VERSION#"\nPACKAGE_NAME="v4l2loopback"\n',
            "v4l2loopback-0.12.7",
            ("v4l2loopback", "0.12.7"),
        ),
        ("", "x-1", ("x", "1")),
    ],
)
def test_a_module_is_called_as_its_folder(conf: str, folder: str, want: tuple[str, str]) -> None:
    """DKMS looks for NAME-VERSION, whatever placeholders its conf has."""
    assert named(conf, folder) == want


def test_why_a_module_does_not_build() -> None:
    """The first line of the log's end that speaks of an error, not make's last; without a log, what DKMS said."""
    log = ["make: Entering", "nv.c:12:5: error: too few arguments", "make[2]: *** [nv.o] Error 1"]
    failed = ran("", code=10, err="Error! Bad return status for module build on kernel: 6.1.0\n")
    assert reason(log, failed) == "nv.c:12:5: error: too few arguments"
    assert reason([], failed) == "Error! Bad return status for module build on kernel: 6.1.0"
    headers = ran("", code=1, err="Error! Your kernel headers for kernel 6.1.0 cannot be found.\n")
    assert "kernel headers" in reason([], headers)
    assert reason(log, Ran(("dkms",), None, "", "", 1500.0)) == "it did not end in 1500 s"
