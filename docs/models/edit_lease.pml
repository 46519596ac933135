/* How Sheaf keeps saves and edit leases apart, as a model for spin. docs/models.md explains it.
 *
 *     spin -a edit_lease.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * One page, with the last edit lease and the mark of the last claim in its row. Three people, one of
 * them with two tabs. Each tab takes an edit lease or does without, reads the page and saves what it
 * makes of it. Any of them may stop anywhere for any time, and no lock keeps them apart.
 *
 * Parts can be left out, to see what they are for:
 *     -DNO_CHECK          saves do not ask for the lease
 *     -DCHECK_FIRST       they ask before the claim, in a statement of its own
 *     -DNO_MARK           taking a lease leaves an earlier claim standing
 *     -DMARK_NEW_ONLY     so does its holder's renewal after it has run out
 *     -DHOLDER_ONLY       a save asks whose the last lease is, not which it is
 *     -DFENCE_ONLY        a save asks which the last lease is, not whose
 *     -DFENCE_RESTARTS    the fences of a row that was removed are used again
 *     -DNO_VERSION        a save does not ask for the version that its author has read
 *     -DASK_TIME          a save under a lease asks whether it has run out
 *     -DNO_EXPIRY         a lease that has run out keeps others out like any other
 *     -DNO_SECOND_LOOK    a save that finds its claim gone does not ask why
 * With -DNEVER_ALL the model claims that the four never all save, which must turn out wrong.
 */

#define NOBODY 0
#define NONE 0

/* The page's row. */
byte version;
byte owner;        /* the tab whose claim stands */
byte lease_holder; /* a person */
byte lease_fence;
bool live;         /* the lease has not run out */

/* The highest fence ever: the clock sees to it that the next is above, whatever the row has. */
byte highest;

/* Kept for the checks only. */
byte turns; /* how often the lease has gone to another person than the one before */
byte last_holder;
byte saves;

#ifdef FENCE_RESTARTS
#define NEXT_FENCE (lease_fence + 1)
#else
#define NEXT_FENCE (highest + 1)
#endif

#if defined(NO_MARK)
#define CLAIMS_STAND true
#elif defined(MARK_NEW_ONLY)
#define CLAIMS_STAND (lease_holder == person)
#else
#define CLAIMS_STAND (lease_holder == person && live)
#endif

#ifdef NO_EXPIRY
#define FREE (lease_holder == NOBODY || lease_holder == person)
#else
#define FREE (!live || lease_holder == person)
#endif

#if defined(HOLDER_ONLY)
#define SAME (lease_holder == person)
#elif defined(FENCE_ONLY)
#define SAME (lease_fence == presented)
#elif defined(ASK_TIME)
#define SAME (lease_holder == person && lease_fence == presented && live)
#else
#define SAME (lease_holder == person && lease_fence == presented)
#endif

#define LOST (presented != NONE && !SAME)
#define HELD (presented == NONE && !FREE)

#ifdef NO_VERSION
#define OUTDATED false
#else
#define OUTDATED (version != seen)
#endif

/* What is promised of a save that is stored: */
#define NOBODY_TOOK_IT (turns == composed_under)
#define NOBODY_ELSE_HOLDS (!live || lease_holder == person)
#define NOTHING_UNSEEN (version == seen)

/* A lease may run out, or be given up, at any moment. */
active proctype Time() {
end:	do
	:: live -> live = false
	od
}

/* A row that never became a page, and that nobody has a lease on, is removed some day. */
active proctype Upkeep() {
end:	do
	:: d_step {
		version == 0 && !live && lease_holder != NOBODY ->
			owner = NOBODY;
			lease_holder = NOBODY;
			lease_fence = NONE
	}
	od
}

/* One statement: a new lease, or a longer one. */
inline take(condition) {
	atomic {
		condition ->
		if
		:: CLAIMS_STAND
		:: else -> owner = NOBODY
		fi;
		if
		:: lease_holder == person
		:: else ->
			lease_fence = NEXT_FENCE;
			highest = lease_fence;
			lease_holder = person
		fi;
		live = true;
		turns = (last_holder == person -> turns : turns + 1);
		last_holder = person;
		presented = lease_fence;
		composed_under = turns
	}
}

/* The lease of a write is gone: its text becomes a draft. */
inline keep() {
	assert(!NOBODY_TOOK_IT || lease_fence != presented); /* taken, or forgotten */
	goto done
}

/* What the last lease says about a write. */
inline check() {
	if
	:: LOST -> keep()
	:: HELD -> goto held
	:: else
	fi
}

/* One statement: mark the row and read it, the lease as well. */
inline claim() {
	atomic {
		owner = tab;
#if !defined(NO_CHECK) && !defined(CHECK_FIRST)
		check();
#endif
		if
		:: OUTDATED -> goto begin
		:: else -> claimed = version
		fi
	}
}

/* One statement, with its COMMIT. */
inline save() {
	atomic {
		if
		:: owner == tab && version == claimed ->
			assert(composed_under == NONE || NOBODY_TOOK_IT);
			assert(NOBODY_ELSE_HOLDS);
			assert(NOTHING_UNSEEN);
			version++;
#ifdef NEVER_ALL
			saves++;
			assert(saves < 4);
#endif
			goto done
		:: else -> taken = (composed_under != NONE && !NOBODY_TOOK_IT)
		fi
	}
}

proctype Tab(byte tab; byte person) {
	byte presented;      /* the fence of the lease that the save names */
	byte composed_under; /* the same, for the checks */
	byte seen;
	byte claimed;
	bool taken;

	if
	:: tab < 4 -> take(FREE)
	:: tab < 4 -> take(true)             /* from whoever has it */
	:: tab > 2                           /* without a lease */
	:: tab == 4 -> presented = lease_fence /* with the number of another's */
	fi;
begin:
	seen = version;
#ifdef CHECK_FIRST
	atomic { check() };
#endif
	claim();
	save();
	/* The claim was gone. Perhaps to somebody who took the lease? */
#ifndef NO_SECOND_LOOK
	atomic { check() };
#endif
	atomic { assert(!taken); claimed = 0 }; /* whose lease was taken is told so, and the text kept */
	goto begin;
held:
	FREE; /* tries again until it is let in */
	goto begin;
done:
	atomic { presented = NONE; composed_under = NONE; seen = 0; claimed = 0 }
}

init {
	atomic {
		run Tab(1, 1);
		run Tab(2, 1);
		run Tab(3, 2);
		run Tab(4, 3)
	}
}
