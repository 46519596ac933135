/* How Sheaf's MultiLock takes several locks, as a model for spin. docs/models.md explains it.
 *
 *     spin -a multi_lock.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * Three names and three clients. The first wants names 0 and 1, the second 1 and 2, the third 2 and
 * 0, so that any two have a name in common. Any of them may stop anywhere for any time, and give up
 * wherever it waits for an answer. Any lock may expire at any moment.
 *
 * Two promises need that something holds of the world, too:
 *     -DPATIENT           nobody gives up, and no more than LOSSES locks expire: all get their locks
 *     -DALONE -DIN_TIME   a lock that was proved, or taken last, lasts until it is given back: nobody
 *                         works under a lock together with somebody else
 *
 * Parts can be left out, to see what they are for:
 *     -DNO_PROOF          the earlier lock is not renewed once more when the last one was taken
 *     -DPROOF_TAKES       a renewal takes the lock anew if it has expired and is free
 *     -DNO_ORDER          each takes the names in its own order (to be seen with -DPATIENT)
 *     -DNO_TOKEN          a lock is given back whoever holds it
 *     -DTOKEN_OF_CLIENT   a client has one token for all its attempts
 *     -DKEEP_ON_FAILURE   who fails gives nothing back
 *     -DKEEP_UNANSWERED   who fails gives back only what it knows to have
 * With -DNEVER_ALL the model claims that the three never all get their locks, which must turn out
 * wrong.
 */

#define CLIENTS 3
#define NOBODY 0

#ifdef PATIENT
#define LOSSES 2
#define ATTEMPTS (LOSSES + 1)
#else
#define ATTEMPTS 2
#endif

/* The lock service. A token is of one attempt of one client. */
byte holder[3];
/* A request to give back whose sender waits no longer, and which has not arrived yet. */
byte late_name;
byte late_token;

byte losses;
#ifdef IN_TIME
bool proved[3]; /* or taken last */
#endif

/* Kept for the checks only. */
byte at_work; /* how many clients are */
byte entered;

#define CLIENT(token) ((token + ATTEMPTS - 1) / ATTEMPTS)

#ifdef TOKEN_OF_CLIENT
#define SAME(held, sent) (CLIENT(held) == CLIENT(sent))
#else
#define SAME(held, sent) (held == sent)
#endif

#ifdef NO_TOKEN
#define MAY_RELEASE(held, sent) (held != NOBODY)
#else
#define MAY_RELEASE(held, sent) (held != NOBODY && SAME(held, sent))
#endif

#define MINE(name) SAME(holder[name], token)

#define RETURNED(name) (holder[name] != token || (late_token == token && late_name == name))

#if defined(IN_TIME)
#define MAY_EXPIRE(name) (holder[name] != NOBODY && !proved[name])
#elif defined(PATIENT)
#define MAY_EXPIRE(name) (holder[name] != NOBODY && losses < LOSSES)
#else
#define MAY_EXPIRE(name) (holder[name] != NOBODY)
#endif

#ifdef IN_TIME
#define PROVED(name) proved[name] = true
#define UNPROVED(name) proved[name] = false
#else
#define PROVED(name) skip
#define UNPROVED(name) skip
#endif

inline free(name) {
	holder[name] = NOBODY;
	UNPROVED(name)
}

/* A lock may expire at any moment. */
inline expire(name) {
	atomic {
		MAY_EXPIRE(name) ->
#ifdef PATIENT
		losses++;
#endif
		free(name)
	}
}

/* A request to give back arrives. */
inline release(name, sent) {
	if
	:: MAY_RELEASE(holder[name], sent) ->
		assert(holder[name] == sent); /* nobody else's, and not taken in a later attempt */
		free(name)
	:: else
	fi
}

active proctype LockService() {
end:	do
	:: expire(0)
	:: expire(1)
	:: expire(2)
	:: atomic {
		late_token != NOBODY ->
			release(late_name, late_token);
			late_name = 0;
			late_token = NOBODY
	}
	od
}

/* Wait for a lock. Meanwhile the earlier one is renewed, which shows if it was lost. */
inline take(name) {
	if
	:: atomic {
		holder[name] == NOBODY ->
			holder[name] = token;
			taken++;
			if
			:: taken == 2 -> PROVED(name); both_mine = MINE(first)
			:: else
			fi
	}
	:: taken == 1 && !MINE(first) -> goto again
#ifndef PATIENT
	:: goto give_up /* has waited long enough, or is interrupted */
	:: atomic {
		holder[name] == NOBODY -> /* the answer is lost */
			holder[name] = token;
#ifndef KEEP_UNANSWERED
			taken++;
#endif
			goto give_up
	}
#endif
	fi
}

/* Renew a lock, which succeeds only if it is still ours: that is the proof. */
inline prove(name) {
	atomic {
		if
		:: MINE(name) -> PROVED(name)
#ifdef PROOF_TAKES
		:: holder[name] == NOBODY -> holder[name] = token; PROVED(name); both_mine = MINE(second)
#endif
		:: !MINE(name) -> both_mine = false; goto again
#ifndef PATIENT
		:: both_mine = false; goto give_up
#endif
		fi
	}
}

/* Ask for the end of a lock. Perhaps no answer comes, and the request arrives later. */
inline ask_release(name) {
	if
	:: release(name, token)
	:: late_token == NOBODY -> late_name = name; late_token = token
	fi;
	taken--
}

inline give_back() {
	do
	:: atomic { taken == 2 -> ask_release(second) }
	:: atomic { taken == 1 -> ask_release(first) }
	:: taken == 0 -> break
	od
}

proctype Client(byte me; byte first; byte second) {
	byte attempt;
	byte token;
	byte taken;
	bool both_mine; /* at the moment when the later of them was taken: for the checks */

begin:
	atomic {
		attempt++;
		token = (me - 1) * ATTEMPTS + attempt
	}
	take(first);
	take(second);
#ifndef NO_PROOF
	prove(first);
#endif
	atomic { /* says yes */
		assert(both_mine);
		both_mine = false;
#ifdef ALONE
		assert(at_work == 0);
		at_work++;
#endif
#ifdef NEVER_ALL
		entered++;
		assert(entered < CLIENTS)
#endif
	}
#ifdef ALONE
	at_work--;
#endif
	give_back();
	goto done;
again:
#ifndef KEEP_ON_FAILURE
	give_back();
#endif
	if
	:: attempt < ATTEMPTS -> taken = 0; goto begin
#ifndef PATIENT
	:: goto give_up
#endif
	fi;
give_up:
#ifndef KEEP_ON_FAILURE
	give_back();
#endif
	assert(RETURNED(first) && RETURNED(second));
done:
	atomic { attempt = 0; token = 0; taken = 0 }
}

init {
	atomic {
		run Client(1, 0, 1);
		run Client(2, 1, 2);
#ifdef NO_ORDER
		run Client(3, 2, 0)
#else
		run Client(3, 0, 2)
#endif
	}
}
