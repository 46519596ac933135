/* How Sheaf changes pages of several databases, all or none, as a model for spin.
 * docs/models.md explains it.
 *
 *     spin -a batches.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * Two shards with a page each. Page 0 is in the home shard, which has the table of decisions as well.
 * A batch changes both pages, another writer changes or reserves one of them, and the batch is sent
 * again with its key. Any of them may stop anywhere for any time, a batch for ever. Recovery may come
 * at any time. No lock keeps writers apart.
 *
 * Another case is smaller in one way, for it has no cache and no other writer, and larger in others:
 *     -DTWO_BATCHES       two batches change three pages on three shards, and claim them in opposite
 *                         orders; recovery runs twice at once
 *     -DTWO_BATCHES -DCALM      nobody dies, no answer is lost, and recovery never comes
 *     -DTWO_BATCHES -DSAME_KEY  the second is the first, sent again before the first was decided
 *
 * Parts can be left out, to see what they are for:
 *     -DEARLY_COMMIT      shards commit what they have prepared before the decision
 *     -DDECIDE_FIRST      the decision is made before the other shards have prepared
 *     -DNO_DECISION       home commits its pages, and no decision with them
 *     -DOVERWRITE         a batch writes its decision over another one
 *     -DFORGET            a decision to abort is removed when nothing is prepared
 *     -DLOST_IS_NO        a batch takes a decision whose answer is lost for one not made
 *     -DNO_RECOVERY       nobody looks for what is prepared
 *     -DCOMMIT_ALL        recovery commits what is prepared, and does not ask for the decision
 *     -DABORT_ALL         recovery rolls it back, and does not ask for the decision
 *     -DONLY_READ         recovery asks for the decision, and makes none
 *     -DANSWER_FIRST      a batch is answered before its pages are published
 *     -DRETRY_ANSWERS     one that is sent again is answered as soon as the decision is found
 *     -DNO_RELAY          nobody publishes the pages of a batch that has died
 *     -DNO_CLAIM          a save checks the version only
 *     -DNO_VERSION        a save checks the claim only (it breaks nothing; with -DNO_CLAIM it does)
 *     -DNO_ORDER          each batch takes the shards in its own order (with -DTWO_BATCHES -DCALM)
 *     -DNO_KEY            the decision does not carry the key (with -DTWO_BATCHES -DSAME_KEY)
 * With -DNEVER_ALL the model claims that a batch, the one sent again, and the other writer never all
 * succeed, nor both of two batches, which must turn out wrong.
 */

#ifdef TWO_BATCHES
#define PAGES 3
#define BATCHES 2
#else
#define PAGES 2
#define BATCHES 1
#endif
#define ALL ((1 << PAGES) - 1)
#define LAST (PAGES - 1)

#define NOBODY 0
#define WRITER 3 /* batches are 1 and 2 */

/* A page's row: its version, and whose claim stands. Fences are not needed: a claim succeeds at any
 * moment, which is more than the lock service and the fences allow. */
byte version[PAGES];
byte owner[PAGES];
bool reserved[PAGES]; /* the writer has an edit lease, which is alive */

/* The transaction that has locked the row, if any, and of which batch it is. */
#define NONE 0
#define OPEN 1
#define SENT 2     /* its end was sent, and nobody waits for an answer: it may happen, or not */
#define PREPARED 3 /* it waits for COMMIT PREPARED or ROLLBACK PREPARED, for ever */
byte state[PAGES];
byte batch[PAGES];

/* The table of decisions, in the home shard. */
#define UNDECIDED 0
#define COMMITTED 1
#define ABORTED 2
byte decision[BATCHES + 1];
byte becomes[PAGES]; /* the versions that the batch makes, which the decision names */

/* The outbox of each shard, and the cache: a version, or nothing. A reader stores what it has read
 * if its fill lease stands. */
bool outbox[PAGES];
byte cached[PAGES];
bool fill_lease[PAGES];

/* Kept for the checks only. */
byte stored[BATCHES + 1]; /* which pages a batch has changed */
bool refused[BATCHES + 1]; /* it was answered that nothing is stored */
byte answered[PAGES];     /* the version of which a writer was told that it is stored */
byte answers;

/* The rules of the SQL statements. */
#ifdef NO_CLAIM
#define CLAIM_STANDS true
#else
#define CLAIM_STANDS (owner[page] == me)
#endif

#ifdef NO_VERSION
#define VERSION_STANDS true
#else
#define VERSION_STANDS (version[page] == seen[page])
#endif

#if defined(OVERWRITE) || defined(NO_DECISION)
#define MAY_DECIDE true
#elif defined(SAME_KEY) && !defined(NO_KEY)
#define MAY_DECIDE (decision[me] == UNDECIDED && decision[3 - me] != COMMITTED)
#else
#define MAY_DECIDE (decision[me] == UNDECIDED)
#endif

/* Who inserts a decision waits for a transaction that has inserted the same, and is not over. */
#define NOT_BEING_DECIDED(id) (state[0] == NONE || batch[0] != id)

/* What is promised of a save: */
#define NOTHING_UNSEEN (version[page] == seen[page])
#define NOBODY_ELSE_HOLDS (!reserved[page])
/* of what can be read at any time: */
#define IN_DATABASE (version[0] >= answered[0] && version[1] >= answered[1])
#define SHOWN(page) (cached[page] == 0 || cached[page] >= answered[page])
/* and when all has ended: */
#define NOTHING_PREPARED (state[0] == NONE && state[1] == NONE && state[LAST] == NONE)
#define ALL_OR_NONE(id) (stored[id] == 0 || stored[id] == ALL)
#define AS_DECIDED(id) ((stored[id] == ALL) == (decision[id] == COMMITTED))
#define AS_ANSWERED(id) (!refused[id] || stored[id] == 0)
#define NOT_TWICE (stored[1] == 0 || stored[BATCHES] == 0)
#define UP_TO_DATE(page) (cached[page] == 0 || cached[page] == version[page])

/* The end of a transaction, and the way of its row to readers. */
inline finish(shard) {
	state[shard] = NONE;
	batch[shard] = NOBODY
}

inline store(shard) {
	version[shard]++;
	stored[batch[shard]] = stored[batch[shard]] | (1 << shard);
#ifndef TWO_BATCHES
	outbox[shard] = true;
#endif
	finish(shard)
}

inline commit_home() {
#ifndef NO_DECISION
	decision[batch[0]] = COMMITTED;
#endif
	store(0)
}

/* If there is no such transaction any more, somebody else has done it. */
inline commit_prepared(shard, id) {
	atomic {
		if
		:: state[shard] == PREPARED && batch[shard] == id -> store(shard)
		:: else
		fi
	}
}

inline roll_back_prepared(shard, id) {
	atomic {
		if
		:: state[shard] == PREPARED && batch[shard] == id -> finish(shard)
		:: else
		fi
	}
}

/* Two statements: put "aborted" unless there is a decision; read which one there is. */
inline settle(id) {
	atomic {
		NOT_BEING_DECIDED(id) ->
		if
#ifndef ONLY_READ
		:: decision[id] == UNDECIDED -> decision[id] = ABORTED
#endif
		:: else
		fi
	};
	verdict = decision[id]
}

#ifndef TWO_BATCHES
/* A writer that nobody has overtaken stores its page, if its lock is still there; else what is
 * older is removed. No fill lease outlives it. */
inline publish(shard, made, me) {
	atomic {
		if
		:: owner[shard] == me && cached[shard] <= made -> cached[shard] = made
		:: cached[shard] < made -> cached[shard] = 0
		:: cached[shard] >= made
		fi;
		fill_lease[shard] = false
	}
}

inline answer(shard, made) {
	answered[shard] = (answered[shard] > made -> answered[shard] : made)
}
#endif

/* What was sent arrives, or the connection is found to be gone. */
inline carry_out(shard) {
	atomic {
		state[shard] == SENT ->
		if
		:: finish(shard)
		:: shard == 0 -> commit_home()
		:: shard > 0 -> state[shard] = PREPARED
		fi
	}
}

active proctype Postgres() {
end:	do
	:: carry_out(0)
	:: carry_out(1)
#ifdef TWO_BATCHES
	:: carry_out(2)
#endif
	od
}

/* Anything may go wrong, and the batch knows of it; or it dies. */
#ifdef CALM
#define MAY_STOP false
#else
#define MAY_STOP true
#endif

inline claim() {
	if
	:: atomic {
		state[page] == NONE && !reserved[page] ->
			owner[page] = me;
			seen[page] = version[page]
	}
	:: state[page] != NONE || reserved[page] -> goto failed /* does not wait */
	:: MAY_STOP -> goto failed
	fi
}

/* One statement. It finds its claim gone if the row was locked after it, but may have to wait for
 * the other transaction until it does. */
inline save() {
	if
	:: atomic {
		state[page] == NONE ->
		if
		:: CLAIM_STANDS && VERSION_STANDS ->
			assert(NOTHING_UNSEEN);
			assert(NOBODY_ELSE_HOLDS);
			state[page] = OPEN;
			batch[page] = me;
			becomes[page] = seen[page] + 1
		:: else -> goto failed
		fi
	}
	:: MAY_STOP -> goto failed
	:: MAY_STOP -> goto dead
	fi
}

inline prepare() {
	save();
	if
	:: state[page] = PREPARED
	:: atomic { MAY_STOP -> state[page] = SENT; goto failed }
	:: atomic { MAY_STOP -> state[page] = SENT; goto dead }
	fi
}

/* The pages of home and the decision, in one transaction. */
inline decide() {
	page = 0;
	save();
	if
	:: atomic {
		if
		:: MAY_DECIDE -> commit_home()
		:: else -> finish(0); goto failed
		fi
	}
	:: atomic { MAY_STOP && MAY_DECIDE -> state[0] = SENT; goto ask }
	:: atomic { MAY_STOP && MAY_DECIDE -> state[0] = SENT; goto dead }
	:: atomic { MAY_STOP -> finish(0); goto failed }
	:: atomic { MAY_STOP -> finish(0); goto dead }
	fi
}

inline or_die() {
	if
	:: true
	:: MAY_STOP -> goto dead
	fi
}

proctype Batch(byte me) {
	byte seen[PAGES];
	byte page;
	byte step;
	byte verdict;

	for (step : 0 .. LAST) {
		page = (me == 1 -> step : LAST - step);
		claim()
	}
#ifdef DECIDE_FIRST
	decide();
#endif
	for (step : 1 .. LAST) {
#ifdef NO_ORDER
		page = (me == 1 -> PAGES - step : step);
#else
		page = step;
#endif
		prepare()
	}
#ifdef EARLY_COMMIT
	for (page : 1 .. LAST) { commit_prepared(page, me) }
#endif
#ifndef DECIDE_FIRST
	decide();
#endif
	goto decided;
ask:
#ifdef LOST_IS_NO
	goto failed;
#endif
	settle(me);
	if
	:: verdict == COMMITTED
	:: verdict != COMMITTED -> goto failed
	:: MAY_STOP -> goto dead
	fi;
decided:
	verdict = COMMITTED;
	for (page : 1 .. LAST) {
		commit_prepared(page, me);
		or_die()
	}
#ifndef TWO_BATCHES
#ifndef ANSWER_FIRST
	for (page : 0 .. LAST) {
		publish(page, seen[page] + 1, me);
		or_die()
	}
#endif
	atomic {
		for (page : 0 .. LAST) { answer(page, seen[page] + 1) }
#ifdef NEVER_ALL
		answers++;
#endif
	}
#endif
	goto dead;
failed:
	verdict = ABORTED; /* a label right before a loop would stand after its first number */
	for (page : 1 .. LAST) {
		roll_back_prepared(page, me);
		or_die()
	}
	refused[me] = true;
dead:
	atomic {
		for (page : 0 .. LAST) { seen[page] = 0 }
		page = 0;
		step = 0;
		verdict = 0
	}
}

/* It looks for what is prepared, as often as there is any. */
proctype Recovery() {
	byte page;
	byte id;
	byte verdict;

end:	do
	:: atomic {
		if
		:: state[1] == PREPARED -> page = 1
		:: state[LAST] == PREPARED -> page = LAST
		fi;
		id = batch[page]
	}
#if defined(COMMIT_ALL)
	verdict = COMMITTED;
#elif defined(ABORT_ALL)
	verdict = ABORTED;
#else
	settle(id);
#endif
	if
	:: verdict == COMMITTED -> commit_prepared(page, id)
	:: else -> roll_back_prepared(page, id)
	fi;
	atomic { page = 0; id = 0; verdict = 0 }
	od
}

#ifdef FORGET
active proctype Upkeep() {
end:	do
	:: d_step { decision[1] == ABORTED && state[1] != PREPARED -> decision[1] = UNDECIDED }
	od
}
#endif

#ifndef TWO_BATCHES
/* What is in an outbox is published some day. */
inline relay(shard) {
	atomic { outbox[shard] -> outbox[shard] = false; publish(shard, version[shard], NOBODY) }
}

#ifndef NO_RELAY
active proctype Relay() {
end:	do
	:: relay(0)
	:: relay(1)
	od
}
#endif

/* The batch is sent again with its key, as no answer came. If it is decided, what is left is done
 * before it is answered. */
active proctype Retry() {
	byte page;

	if
	:: decision[1] == COMMITTED
	:: true -> goto done
	fi;
#ifndef RETRY_ANSWERS
	commit_prepared(1, 1);
	for (page : 0 .. LAST) { publish(page, becomes[page], NOBODY) }
#endif
	atomic {
		for (page : 0 .. LAST) { answer(page, becomes[page]) }
#ifdef NEVER_ALL
		answers++;
#endif
	}
done:
	page = 0
}

/* Somebody who changes one page, or reserves it. Either ends the claim of a batch. */
active proctype Writer() {
	byte page;
	byte seen;

	if
	:: page = 0
	:: page = 1
	fi;
	if
	:: atomic {
		state[page] == NONE ->
			owner[page] = WRITER;
			seen = version[page]
	}
	:: atomic {
		state[page] == NONE ->
			owner[page] = WRITER;
			reserved[page] = true;
			goto done
	}
	:: goto done /* the row is locked, or something else is wrong */
	fi;
	atomic {
		if
		:: state[page] == NONE && owner[page] == WRITER && version[page] == seen ->
			version[page]++;
			outbox[page] = true
		:: else -> goto done
		fi
	}
	publish(page, seen + 1, WRITER);
	atomic {
		answer(page, seen + 1);
#ifdef NEVER_ALL
		answers++;
#endif
	}
done:
	atomic { page = 0; seen = 0 }
}

/* A reader that finds nothing in the cache, as it may be gone at any time, reads the page and puts
 * it there. */
proctype Reader() {
	byte page;
	byte read;

	atomic {
		if
		:: page = 0
		:: page = 1
		:: goto done
		fi;
		cached[page] = 0;
		fill_lease[page] = true;
		read = version[page]
	}
	atomic {
		if
		:: fill_lease[page] && cached[page] <= read -> cached[page] = read
		:: else
		fi;
		fill_lease[page] = false;
		read = 0
	}
done:
	page = 0
}

/* Whatever is read at any time. */
active proctype Anybody() {
end:	do
	:: atomic { !IN_DATABASE -> assert(IN_DATABASE) }
	:: atomic { !SHOWN(0) || !SHOWN(1) -> assert(SHOWN(0) && SHOWN(1)) }
#ifdef NEVER_ALL
	:: atomic { answers == 3 -> assert(answers < 3) }
#endif
	od
}
#endif

/* All has ended: nobody can do anything any more. */
active proctype End() {
	timeout;
	atomic {
		assert(NOTHING_PREPARED);
		assert(ALL_OR_NONE(1));
		assert(AS_DECIDED(1));
		assert(AS_ANSWERED(1));
#ifdef TWO_BATCHES
		assert(ALL_OR_NONE(2));
		assert(AS_DECIDED(2));
		assert(AS_ANSWERED(2));
#endif
#ifdef SAME_KEY
		assert(NOT_TWICE);
#endif
#ifndef TWO_BATCHES
		assert(UP_TO_DATE(0) && UP_TO_DATE(1))
#elif defined(NEVER_ALL)
		assert(stored[1] == 0 || stored[2] == 0)
#endif
	}
}

init {
	atomic {
		byte page;
		for (page : 0 .. LAST) { version[page] = 1; cached[page] = 1 };
		page = 0;
		run Batch(1);
#ifdef TWO_BATCHES
		run Batch(2);
#else
		run Reader();
#endif
#if !defined(NO_RECOVERY) && !defined(CALM)
		run Recovery();
#ifdef TWO_BATCHES
		run Recovery()
#endif
#endif
	}
}
