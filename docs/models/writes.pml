/* How Sheaf writes pages under locks, as a model for spin. docs/models.md explains it.
 *
 *     spin -a writes.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * Two pages, each with a lock. Writers 1 and 2 read both pages and change one of them; writer 3
 * reads and changes page 0 alone, as a save in the editor does. Any of them may stop anywhere for
 * any time: spin tries every order of steps. The lock service is as bad as can be.
 *
 * Parts of the protocol can be left out, to see what they are for:
 *     -DNO_CLAIM          read without a mark in the row; a save checks the version only
 *     -DCLAIM_AFTER_READ  read first, then put the mark into the rows
 *     -DOWN_ROW_ONLY      a save checks the mark in the row it changes, not in others it read
 *     -DNO_VERSION        a save checks the marks, not the version
 * With -DNEVER_ALL the model claims that the three never all save, which must turn out wrong.
 */

#define NOBODY 0
#define FENCES 3 /* the highest fence: enough for each of the three to overtake the others */

/* The lock service: who holds the lock of each page. It does not even remember which fences it
 * handed out: each may be any number. That covers every failover that loses the counter, and every
 * clock that is ahead or behind. */
byte holder[2];

/* The database: each page's version, and the mark of the last claim. */
byte version[2];
byte fence[2];
byte owner[2];

/* Kept for the checks only. */
byte saved_fence[2];
byte saves;

/* The rules of the SQL statements. */
#define FREE(page) (fence[page] < my_fence[page])
#define MINE(page) (fence[page] == my_fence[page] && owner[page] == me)

#if defined(NO_CLAIM)
#define MARKS_STAND true
#elif defined(OWN_ROW_ONLY)
#define MARKS_STAND MINE(target)
#else
#define MARKS_STAND (MINE(0) && (last == 0 || MINE(1)))
#endif

#ifdef NO_VERSION
#define VERSION_STANDS true
#else
#define VERSION_STANDS (version[target] == seen[target])
#endif

/* What is promised: a save was built on what is there, in every row that was read for it. */
#define NOTHING_UNSEEN (version[0] == seen[0] && (last == 0 || version[1] == seen[1]))

/* A lock may expire at any moment, or be forgotten. */
active proctype LockService() {
end:	do
	:: d_step { holder[0] != NOBODY -> holder[0] = NOBODY }
	:: d_step { holder[1] != NOBODY -> holder[1] = NOBODY }
	od
}

inline any_fence_above(lowest) {
	if
	:: lowest < 1 -> my_fence[page] = 1
	:: lowest < 2 -> my_fence[page] = 2
	:: lowest < 3 -> my_fence[page] = 3
	fi
}

inline acquire() {
	if
	:: atomic { holder[page] == NOBODY -> holder[page] = me; any_fence_above(0) }
	:: goto give_up /* waited long enough */
	fi
}

inline read() {
	seen[page] = version[page]
}

/* One statement: mark the row and read it, unless a later holder has marked it. */
inline claim() {
	atomic {
		if
		:: FREE(page) || MINE(page) ->
			fence[page] = my_fence[page];
			owner[page] = me;
#ifndef CLAIM_AFTER_READ
			read()
#endif
		:: else ->
			above = fence[page];
			goto refused
		fi
	}
}

/* Lost fences make a rightful holder's too low. It gets a higher one if the lock is still its. */
inline reissue() {
	if
	:: atomic { holder[page] == me && above < FENCES -> any_fence_above(above); above = 0 }
	:: goto give_up
	fi
}

/* One statement, with its COMMIT. */
inline save() {
	atomic {
		if
		:: MARKS_STAND && VERSION_STANDS ->
			assert(NOTHING_UNSEEN);
			version[target]++;
#ifndef NO_CLAIM
			assert(my_fence[target] >= saved_fence[target]);
			saved_fence[target] = my_fence[target];
#endif
#ifdef NEVER_ALL
			saves++;
			assert(saves < 3)
#endif
		:: else /* it was stored before, or the lock was lost: nothing is stored */
		fi
	}
}

inline release() {
	d_step {
		if
		:: holder[page] == me -> holder[page] = NOBODY
		:: else
		fi
	}
}

/* Reads the pages 0 to `last`, changes `target`. */
proctype Writer(byte me; byte last; byte target) {
	byte my_fence[2];
	byte seen[2];
	byte page;
	byte above;
	bool sent_again;

	for (page : 0 .. last) { /* in one order, so that nobody waits in a circle */
		acquire()
	}
begin:
	skip; /* a jump to a loop itself would leave out its beginning */
#ifdef CLAIM_AFTER_READ
	for (page : 0 .. last) { read() }
#endif
	for (page : 0 .. last) {
#ifdef NO_CLAIM
		read()
#else
		claim()
#endif
	}
	save();
	if
	:: !sent_again -> /* the answer was lost */
		sent_again = true;
		save()
	:: true
	fi;
	goto give_up;
refused:
	reissue();
	goto begin;
give_up:
	skip;
	for (page : 0 .. last) { release() }
}

init {
	atomic {
		run Writer(1, 1, 0);
		run Writer(2, 1, 1);
		run Writer(3, 0, 0)
	}
}
