"""Seeded faults of the product: each is one change of its source, and the test that must find it.

A test is a pytest node, or `sim: HISTORY / FAULT` for the cases of the fault matrix.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One change: in this file this text, which is there once, becomes that."""

    name: str
    file: str
    old: str
    new: str
    test: str


_SLOTS = "tests/unit/node/converge/test_slots.py::"
_ENGINE = "tests/unit/node/test_engine.py::"
_LOAD = "tests/unit/node/load/"
_HOSTILE = "tests/cli/hostile/"
_FOLLOW = "tests/unit/node/test_follow.py::"
_REBOOT = "tests/unit/node/reboot/"
MUTANTS = (
    Mutant(
        "a link that is gone while it is switched",
        "node/io/files.py",
        "    temporary.replace(path)\n    sync_dir(path.parent)\n\n\ndef copy",
        "    path.unlink(missing_ok=True)\n    temporary.replace(path)\n    sync_dir(path.parent)\n\n\ndef copy",
        _SLOTS + "test_killed_anywhere_it_is_before_or_after",
    ),
    Mutant(
        "a file that a power cut empties",
        "node/io/files.py",
        "            os.fchmod(file.fileno(), mode)\n            os.fsync(file.fileno())\n        os.replace",
        "            os.fchmod(file.fileno(), mode)\n        os.replace",
        "sim: update that changes nothing on the node / power cut, unsynced lost",
    ),
    Mutant(
        "names that a power cut takes back",
        "node/io/files.py",
        "        os.fsync(descriptor)\n",
        "        pass\n",
        "sim: update that changes nothing on the node / power cut, unsynced lost",
    ),
    Mutant(
        "done is said before it is on the disk",
        "node/engine.py",
        '            self.hands.change("sync", limit_seconds=_SYNC_SECONDS)\n',
        "            pass\n",
        "sim: update / link reset",
    ),
    Mutant(
        "what was rejected stays the candidate",
        "node/engine.py",
        "            self.slots.reject(slot, reason=verdict.reason, **about)\n        self._tell",
        "            pass\n        self._tell",
        "sim: failing update / kill engine",
    ),
    Mutant(
        "nothing is ever worse",
        "node/standing.py",
        "    return tuple(step for step in steps if _severity(step) > max(before.get(step.id, FINE), least))",
        "    return ()",
        "sim: failing update / kill operator",
    ),
    Mutant(
        "a store that was not as declared excuses its update",
        "node/standing.py",
        '_NOT_THE_DECLARATION = frozenset({"drifted", "unknown"})',
        "_NOT_THE_DECLARATION: frozenset[str] = frozenset()",
        "sim: failing update / hang",
    ),
    Mutant(
        "a bad app rolls its base back",
        "node/engine.py",
        "        return one_way or (whole and not worse(base, before)), one_way",
        "        return one_way, one_way",
        "sim: failing update on a new base / kill operator",
    ),
    Mutant(
        "the apps of a base are forgotten",
        "node/desired.py",
        "    if apps is not None and apps.folder != slot.folder:",
        "    if False:",
        "sim: failing update on a new base / kill engine",
    ),
    Mutant(
        "a follower waits for a run that has died",
        "node/tail.py",
        "        if now - quiet > _LOST_SECONDS and not _runs(places, path):",
        "        if False:",
        "sim: update / kill engine",
    ),
    Mutant(
        "an operator gives up with the link",
        "control/deploy/deploy.py",
        "                if not self.outcome.sessions or isinstance(lost, WrongHostKey):",
        "                if True:",
        "sim: update / link reset",
    ),
    Mutant(
        "an own session of before the black hole keeps its owner out",
        "node/sending.py",
        '                os.kill(found["pid"], signal.SIGKILL)',
        "                pass",
        "tests/unit/node/test_sending.py",
    ),
    Mutant(
        "a lock that locks nothing",
        "node/converge/lock.py",
        "            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n        except OSError:\n            os.close(fd)",
        "            pass\n        except OSError:\n            os.close(fd)",
        "sim: update / kill session",
    ),
    Mutant(
        "a full disk ends the engine",
        "node/engine.py",
        "        except OSError as error:  # a full disk, say:",
        "        except ZeroDivisionError as error:  # a full disk, say:",
        "sim: first deploy / disk full",
    ),
    Mutant(
        "a full disk ends the journal, and with it the run",
        "node/converge/journal.py",
        "            with suppress(OSError):  # the verdict also goes to the unit's log\n"
        "                self._append(line)",
        "            self._append(line)",
        "sim: update / disk full",
    ),
    Mutant(
        "the sweep takes what can be gone back to",
        "node/sweep.py",
        "    named = [slot.envelope for slot in slots.kept]",
        "    named = [slot.envelope for slot in slots.kept[:1]]",
        "sim: rollback / kill operator",
    ),
    Mutant(
        "a heal converges what ran, not what was accepted",
        "node/follow.py",
        "    slot = slots.candidate or slots.current\n",
        "    slot = slots.current or slots.candidate\n",
        "sim: update / power cut",
    ),
    Mutant(
        "an agent goes back while its lead is still at it",
        "node/follow.py",
        "or sequence < slot.envelope.sequence:",
        "or False:",
        f"{_FOLLOW}test_it_stays_while_its_lead_is_still_at_it",
    ),
    Mutant(
        "an agent takes again what it has turned down",
        "node/follow.py",
        "or base.rejected or",
        "or",
        f"{_FOLLOW}test_what_it_has_turned_down_itself_it_does_not_take",
    ),
    Mutant(
        "a lead tells before it has decided",
        "node/follow.py",
        "elif slots.candidate is None:",
        "else:",
        f"{_FOLLOW}test_the_lead_tells_when_it_has_decided",
    ),
    Mutant(
        "an agent is deployed to without its lead",
        "node/judged.py",
        "if (node.name == payload.lead.name) == bool(offer.lead):",
        "if False:",
        "tests/cli/test_nodes.py::test_an_agent_takes_only_what_its_lead_has_taken",
    ),
    Mutant(
        "a neighbour that is gone fails a deploy",
        "node/k3s/joined.py",
        "    return Observation(Status.IN_PROGRESS, sentence, absent=sentence)",
        "    return Observation(Status.FAILED, sentence)",
        "tests/unit/node/k3s/test_joined.py::test_what_is_not_there_is_missed_by_name",
    ),
    Mutant(
        "going back does nothing",
        "node/engine.py",
        "        returned = self._converge(current, apps, returning=True)\n        self._note(returned)\n",
        "        returned = None\n",
        "sim: failing update / link reset",
    ),
    Mutant(
        "what was received is received again from nothing",
        "node/receive.py",
        '        missing.append({"digest": digest, "size": size, "have_bytes": staged})',
        '        missing.append({"digest": digest, "size": size, "have_bytes": 0})',
        "sim: first deploy / kill session",
    ),
    Mutant(
        "a base that is replaced in vain is kept",
        "node/converge/slots.py",
        "        if candidate is None or candidate.folder == slot.folder:\n"
        '            self._unlink(self._folder / "candidate")\n        named',
        '        self._unlink(self._folder / "candidate")\n        named',
        _SLOTS + "test_another_candidate_is_not_dropped_with_a_promotion",
    ),
    Mutant(
        "a whole promotion keeps the apps of before",
        "node/converge/slots.py",
        "            self._unlink(slot.folder / APPS)\n",
        "            pass\n",
        _SLOTS + "test_a_half_promotion_leaves_no_apps_behind",
    ),
    Mutant(
        "insisting on less also lets it fail",
        "node/standing.py",
        "    least = LESS if accept_degraded else FINE",
        "    least = WRONG if accept_degraded else FINE",
        _ENGINE + "test_a_person_may_insist_on_less",
    ),
    Mutant(
        "what was wrong before condemns every update",
        "node/engine.py",
        "        return both(standing(seen.steps), known)",
        "        return {}",
        _ENGINE + "test_what_was_wrong_before_does_not_condemn_an_update",
    ),
    Mutant(
        "a candidate without a verdict is tried for ever",
        "node/engine.py",
        "        if slot.tries > MOST_TRIES:",
        "        if False:",
        _ENGINE + "test_a_candidate_without_a_verdict_is_given_up_after_three_runs",
    ),
    Mutant(
        "an engine is unpacked wherever it likes",
        "node/load/engine.py",
        '{"", ".", ".."} & set(parts)',
        "False",
        _LOAD + "test_engine.py",
    ),
    Mutant(
        "links on a stick are followed",
        "node/load/folder.py",
        "os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW",
        "os.O_RDONLY | os.O_CLOEXEC",
        _LOAD + "test_folder.py",
    ),
    Mutant(
        "a stick's blob is believed by its name",
        "node/load/copy.py",
        'if f"sha256:{total.hexdigest()}" != digest:',
        "if False:",
        _LOAD + "test_take.py",
    ),
    Mutant(
        "what is loaded is copied before anybody is asked",
        "node/load/take.py",
        "    not_paused(places, envelope.store)\n    meet(places, envelope)\n",
        "",
        _LOAD + "test_take.py::test_a_paused_store_and_a_running_deploy_come_first",
    ),
    Mutant(
        "what was loaded is not remembered",
        "node/load/take.py",
        "        note_heard(self._places, self._signed.offer, trust_here(self._look))",
        "        pass",
        _LOAD + "test_take.py",
    ),
    Mutant(
        "a follower runs ahead of its lead",
        "node/load/take.py",
        "        if offer.lead:\n            kept",
        "        if False:\n            kept",
        _LOAD + "test_kept.py::test_a_follower_keeps_it_until_its_lead_has_decided",
    ),
    Mutant(
        "a follower takes whatever its lead has decided",
        "node/load/kept.py",
        'found[0].payload != said.get("base")',
        "False",
        _LOAD + "test_kept.py::test_a_lead_that_has_decided_for_something_else_is_not_overruled",
    ),
    Mutant(
        "the sweep takes what waits for its lead",
        "node/sweep.py",
        "        named.append(waits)",
        "        pass",
        _LOAD + "test_kept.py::test_a_sweep_leaves_what_is_kept",
    ),
    Mutant(
        "a device on a stick is opened before it is seen to be one",
        "node/load/folder.py",
        "_FLAGS | os.O_PATH",
        "_FLAGS | os.O_NONBLOCK",
        _LOAD + "test_folder.py",
    ),
    Mutant(
        "a server may send without end beside what was asked for",
        "node/load/web.py",
        "        if self.left < 0:\n",
        "        if False:\n",
        _HOSTILE + "test_attacks.py::test_endless_data",
    ),
    Mutant(
        "what stands in a redirect is read to its end",
        "node/load/web.py",
        "        fp.close()  # what",
        "        pass  # what",
        _HOSTILE + "test_attacks.py::test_endless_data",
    ),
    Mutant(
        "a mirror that gives the same for ever looks well",
        "node/load/take.py",
        'source.kind == "pull" and now() >= offer.expires',
        "False",
        _HOSTILE + "test_attacks.py::test_indefinite_freeze",
    ),
    Mutant(
        "what a revoked key has dated counts for ever",
        "node/trust/judge.py",
        "return 0 if stands.sender in trust.revoked else seconds_of(stands.created)",
        "return seconds_of(stands.created)",
        _HOSTILE + "test_attacks.py::test_fast_forward",
    ),
    Mutant(
        "an agent takes its lead's payload with an engine of its own",
        "node/load/kept.py",
        'found[0].runtime != said.get("engine", found[0].runtime)',
        "False",
        _HOSTILE + "test_attacks.py::test_mix_and_match_across_nodes",
    ),
    Mutant(
        "a server writes to the terminal of who loads",
        "node/rack/load.py",
        'letter if letter.isprintable() else "?"',
        "letter",
        _HOSTILE + "test_corrupt_mirrors.py",
    ),
    Mutant(
        "what an agent keeps may be torn",
        "node/load/kept.py",
        "    write_atomic(_path(places), ",
        "    places.offers.mkdir(parents=True, exist_ok=True)\n    _path(places).write_bytes(",
        _LOAD + "test_disk_full.py::test_a_follower_that_keeps_an_offer",
    ),
    Mutant(
        "an engine is unpacked in its own place",
        "node/bootstrap.py",
        '    staging = folder.with_name(f"{folder.name}.new-{os.getpid()}")\n',
        "    staging = folder\n",
        _LOAD + "test_disk_full.py",
    ),
    Mutant(
        "a new signature stands beside the old offer",
        "control/bundle/offers.py",
        '_NEXT = ".sig.new"',
        '_NEXT = ".sig"',
        "tests/unit/control/bundle/test_offers.py",
    ),
    Mutant(
        "old blobs go before the offer that needs them",
        "control/bundle/carry.py",
        "        found = _read_back(to, before=True)\n",
        "        there.drop_unnamed()\n        found = _read_back(to, before=True)\n",
        "tests/unit/control/bundle/test_offers.py",
    ),
    Mutant(
        "a server may give for ever",
        "node/load/web.py",
        "while at < size:\n                piece = answer.read1(min(CHUNK, size - at))",
        "while at < size * 2:\n                piece = answer.read1(CHUNK)",
        "tests/cli/test_pull.py::test_data_without_end_is_left_at_its_signed_size",
    ),
    Mutant(
        "a trickle is waited for",
        "node/load/web.py",
        "if self._came < _LEAST_RATE * self._waited:",
        "if False:",
        _LOAD + "test_paced.py",
    ),
    Mutant(
        "a redirect leads anywhere",
        "node/load/web.py",
        "max_redirections = _REDIRECTS",
        "max_redirections = 8",
        "tests/cli/test_pull.py::test_redirects_lead_to_no_other_scheme_and_end",
    ),
    Mutant(
        "a deploy ends where its base is gone",
        "node/receive.py",
        "    except BaseGone:\n        frames.receive_bytes(piece.count - came, lambda _: None)\n        return False",
        "    except BaseGone:\n        raise",
        "sim: update that travels as a delta / base gone",
    ),
    Mutant(
        "a blob has its name before its bytes are on the disk",
        "node/receive.py",
        "            if is_last:\n                os.fsync(file.fileno())\n",
        "",
        "sim: update that travels as a delta / power cut, unsynced lost",
    ),
    Mutant(
        "restarts that nobody counts",
        "node/reboot/record.py",
        "        return Record(dict(list(asked.items())[-KEEP:]), goes_on)",
        "        return Record({}, goes_on)",
        _REBOOT + "test_run.py::test_a_restart_that_does_not_help_is_made_twice_and_no_more",
    ),
    Mutant(
        "counts that end at once",
        "node/reboot/restarts.py",
        "    if well and now() - look.booted_at() >= SETTLED_SECONDS:",
        "    if well:",
        _REBOOT + "test_run.py::test_a_flapping_cause_restarts_no_more_than_declared",
    ),
    Mutant(
        "a run that no boot goes on with",
        "node/reboot/restarts.py",
        "    return (cut.request, cut) if cut else (None, None)",
        "    return None, None",
        _REBOOT + "test_run.py::test_a_deploy_goes_on_under_its_own_name",
    ),
    Mutant(
        "a way back that calls its deploy ready",
        "node/engine.py",
        "        if (turned_down := self.restarts.turned_down) and current is not None:",
        "        if (turned_down := self.restarts.turned_down) and current is None:",
        _REBOOT + "test_run.py::test_a_run_that_goes_back_keeps_its_word_over_the_restart",
    ),
    Mutant(
        "a restart in the hours of others",
        "node/reboot/hours.py",
        "    if not serves or may_reboot or not reboots.hours:",
        "    if serves or may_reboot or not reboots.hours:",
        _REBOOT + "test_run.py::test_outside_its_hours_a_store_says_so_and_serves",
    ),
    Mutant(
        "a restarting run is lost",
        "node/tail.py",
        " and not _runs(places, path) and not _restarts(places, look, run):",
        " and not _runs(places, path):",
        _REBOOT + "test_run.py::test_a_run_is_not_lost_while_its_machine_restarts",
    ),
    Mutant(
        "a restart of the machine for what others have installed",
        "node/reboot/reboot.sh",
        '    [ "$name" != "$own" ] || found=ours\n',
        "    found=ours\n",
        _REBOOT + "test_script.py",
    ),
    Mutant(
        "what a killed run has changed is done before it is on the disk",
        "node/engine.py",
        "        if verdict.changed or fresh:",
        "        if verdict.changed:",
        "sim: first deploy that restarts the machine / kill engine",
    ),
    Mutant(
        "a dead sender keeps everybody out for minutes",
        "node/receive.py",
        "_SILENCE_SECONDS = 18.0",
        "_SILENCE_SECONDS = 180.0",
        "tests/unit/node/test_receive.py::test_a_sender_is_waited_for_less_long_than_an_operator",
    ),
)
