/*
 * fact: what is told to people, as data: a code of a closed list with its parameters, and up to
 * three causes behind it, each again a code with its parameters. No sentence, no pointer: a fact is
 * kept, copied and compared as it is. hall_say makes sentences and JSON of it; its table says which
 * parameters a code has. Names that are configured are indexes of the model, so none is cut; words
 * of people and of other programs are cut where the room ends. Pure.
 */
#ifndef HALL_CORE_FACT_H
#define HALL_CORE_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model.h"

/* In a row, "s" is its subject (an index of the model), "w" its word (a number of another closed
 * list), n0 and n1 its numbers, t0 and t1 its texts, "c" its cause. Times are wall time, ms; other
 * numbers ms where they are durations. */
enum fact_code {
    FACT_NONE,
    FACT_SAID, /* words of a program or person that has no code for them: t0 */

    /* What a server shows. */
    FACT_HALL_STARTED,
    FACT_HALL_RESUMED,
    FACT_SEEN_SIGN,
    FACT_SEEN_PASS,
    FACT_SEEN_FAIL,
    FACT_SEEN_SILENT,
    FACT_SEEN_NOTHING,
    FACT_SEEN_READY,
    FACT_SEEN_SIGN_AGAIN,
    FACT_SEEN_PASS_AGAIN,
    FACT_SEEN_CRASH,
    FACT_SEEN_ECHOES,
    FACT_ADDRESS_TAKEN,  /* t0 the MAC */
    FACT_ADDRESS_SHARED, /* t0 the address, t1 both MACs */
    FACT_ADDRESS_MOVED,  /* t0 where its MAC answers */
    FACT_AGENT_SAID,     /* t0 words of an agent that has no code for them */
    FACT_AGENT_GOODBYE,
    FACT_AGENT_BACK,
    FACT_AGENT_SCHEMA, /* n0 its schema, n1 ours */
    FACT_WOL_OFF,      /* t0 the interface, or "" */
    FACT_CLOCK_SCHEDULE,
    FACT_WOL_ROUSED, /* n0 how often in a row, t0 the letters of Wake-on, or "" */

    /* Why it is awake. n1: until, or LEASE_FOREVER */
    FACT_LEASE_VISIT,            /* s site, n0 last visit */
    FACT_LEASE_SCHEDULE,         /* s domain */
    FACT_LEASE_ALWAYS_ON,        /* s domain */
    FACT_LEASE_ALWAYS_ON_SERVER, /* s server: its policy was set at run time */
    FACT_LEASE_MANUAL,           /* t0 who */
    FACT_LEASE_FOUND_UP,
    FACT_LEASE_FOUND_AWAKE,
    FACT_LEASE_HOLD,      /* t0 its name, t1 why */
    FACT_LEASE_AGENT,     /* c what it reports */
    FACT_LEASE_DEPENDENT, /* s server */
    FACT_LEASE_STREAM,    /* s site, c what goes on */
    FACT_STREAM_MOVING,   /* w enum stream_kind, t0 from, n0 bytes of the last minute */
    FACT_STREAM_SEVERAL,  /* as moving, of several visitors */
    FACT_STREAM_SILENT,   /* w enum stream_kind, t0 from, n0 ms */

    /* Why a wake was wanted. */
    FACT_WAKE_REQUESTED,
    FACT_WAKE_VISIT,            /* s site */
    FACT_WAKE_COMMAND,          /* t0 by */
    FACT_WAKE_START,            /* s site, t0 by */
    FACT_WAKE_RESTART,          /* */
    FACT_WAKE_MANUAL,           /* t0 by */
    FACT_WAKE_HOLD,             /* t0 its name */
    FACT_WAKE_SCHEDULE,         /* s domain */
    FACT_WAKE_ALWAYS_ON,        /* s domain */
    FACT_WAKE_ALWAYS_ON_SERVER, /* s server */
    FACT_WAKE_AGENT,            /* t0 its check, or "" */
    FACT_WAKE_STREAM,           /* s site */
    FACT_WAKE_DEPENDENT,        /* s the server that needs it */

    /* How a wake goes, and ends. */
    FACT_WAKE_QUEUED,           /* c its cause */
    FACT_WAKE_WAITS_FOR,        /* s the server it needs, c its cause */
    FACT_WAKE_WAITS_TURN,       /* s the server that starts, c its cause */
    FACT_WAKE_PACKET,           /* n0 its number */
    FACT_WAKE_PACKET_FAILED,    /* t0 why, or c why */
    FACT_WOL_NO_INTERFACE,      /* t0 interface */
    FACT_WOL_SEND_FAILED,       /* t0 the system's word for it, t1 interface or "" */
    FACT_WAKE_STAGE,            /* w enum stage */
    FACT_WAKE_READY,            /* w enum wake_kind, n0 ms */
    FACT_WAKE_OUT_OF_TIME,      /* */
    FACT_WAKE_CANCELLED,        /* t0 by, or "" */
    FACT_WAKE_CALLED_OFF,       /* */
    FACT_WAKE_GOES_ON,          /* c the lease of another who waits for it */
    FACT_WAKE_ITS_CALLED_OFF,   /* of a server that another one needs */
    FACT_WAKE_NO_SIGN,          /* w enum stage or STAGES, n0 ms; these five alike */
    FACT_WAKE_NOT_READY,        /* */
    FACT_WAKE_NO_PACKET,        /* */
    FACT_WAKE_ADDRESS_TAKEN,    /* */
    FACT_WAKE_CHECK_FAILS,      /* c the check */
    FACT_WAKE_NEEDED_NOT_READY, /* s the server it needs, c what became of that */
    FACT_WAKE_GIVEN_UP,         /* c what it waited for */
    FACT_WAKE_UNWANTED,         /* who wanted it went while Hall was away */
    FACT_GUARD,                 /* w enum guard_kind, n0 until */

    /* How a sleep goes, and ends. */
    FACT_SLEEP_REQUESTED,   /* t0 by */
    FACT_RESTART_REQUESTED, /* t0 by */
    FACT_SLEEP_AGREED,
    FACT_SLEEP_AGENT_AGREED,
    FACT_SLEEP_ASKED,
    FACT_SLEEP_PROVEN,
    FACT_SLEEP_FORCED,
    FACT_SLEEP_FAILED,       /* c why */
    FACT_SLEEP_AGREED_AWAKE, /* n0 ms: it agreed, but still answers */
    FACT_SLEEP_ASKED_AWAKE,  /* n0 ms */
    FACT_SLEEP_FELL_SILENT,  /* before it agreed */
    FACT_SLEEP_CAME_BACK,    /* before it fell silent */
    FACT_SLEEP_RESTARTED,    /* */
    FACT_SLEEP_UNANSWERED,   /* n0 ms */
    FACT_SLEEP_NOT_UP,       /* w enum power_state */
    FACT_SLEEP_VIA_NONE,     /* */
    FACT_SLEEP_NO_AGENT,     /* */
    FACT_SLEEP_NO_BROKER,    /* */
    FACT_SLEEP_IN_USE,       /* c the lease that holds longest */
    FACT_SLEEP_OUT_OF_SIGHT, /* */
    FACT_SLEEP_LOOK_LATE,    /* */
    FACT_SLEEP_TOO_SOON,     /* n0 ms up, n1 ms at least */
    FACT_SLEEP_NOT_WAKEABLE, /* */

    /* Answers to commands. */
    FACT_ANSWER_READY_ALREADY,
    FACT_ANSWER_SLEEPS_ALREADY,
    FACT_ANSWER_OFF_ALREADY,
    FACT_ANSWER_LEASES_FULL,   /* n0 how many there are */
    FACT_ANSWER_COMMANDS_FULL, /* n0 how many are open */
    FACT_ANSWER_NO_WAKE,
    FACT_ANSWER_NO_HOLD,
    FACT_ANSWER_NO_LEASE,
    FACT_ANSWER_NO_WINDOWS,
    FACT_ANSWER_NOT_SETTLED, /* w enum power_state */
    FACT_ANSWER_RESTARTS,
    FACT_ANSWER_NO_PROJECT,
    FACT_ANSWER_INVALID,  /* t0 what is wrong with the command */
    FACT_ANSWER_RETAINED, /* a command that was retained */
    FACT_ANSWER_UNKNOWN_SERVER,
    FACT_ANSWER_UNKNOWN_PROJECT,
    FACT_ANSWER_BAD_ID,
    FACT_ANSWER_GONE, /* its server was removed from the configuration */
    FACT_ANSWER_PROJECT_GONE,
    FACT_ANSWER_NOT_KEPT, /* Hall's records cannot be written */

    /* What else happened. */
    FACT_COMMAND_REFUSED, /* w enum command_action, t0 by, c why */
    FACT_HOLD_BEGUN,      /* t0 its name, t1 why */
    FACT_HOLD_KEEP_AWAKE, /* t0 by; begun or released */
    FACT_HOLD_RELEASED,   /* t0 its name */
    FACT_HOLD_FORCED,     /* t0 its name */
    FACT_HOLD_ENDED,      /* t0 its name */
    FACT_POLICY_CHANGED,  /* w enum policy_mode, t0 by */
    FACT_POLICY_IDLE,     /* n0 ms, t0 by */

    /* What comes next. */
    FACT_NEXT_READY,          /* c the cause of the wake */
    FACT_NEXT_WAKE_DEADLINE,  /* c */
    FACT_NEXT_SLEEP,          /* */
    FACT_NEXT_SLEEP_DEADLINE, /* t0 by */
    FACT_NEXT_GUARD_END,      /* w enum guard_kind */
    FACT_NEXT_WAKE_RETRY,     /* c the cause of the wake */
    FACT_NEXT_SCHEDULE,       /* s domain */

    /* Projects. */
    FACT_PROJECT_SERVER_NOT_UP,  /* w enum power_state */
    FACT_PROJECT_SERVER_OFF,     /* */
    FACT_PROJECT_NO_AGENT,       /* */
    FACT_PROJECT_UNTOLD,         /* */
    FACT_PROJECT_BUSY,           /* w enum project_verb */
    FACT_PROJECT_SERVER_SLEEPS,  /* */
    FACT_PROJECT_STOPPED,        /* */
    FACT_PROJECT_IDLE,           /* */
    FACT_PROJECT_SPARED,         /* s the site that uses it, t0 container, n0 how many more */
    FACT_PROJECT_SPARED_RESTART, /* likewise */
    FACT_PROJECT_TAKEN,          /* */
    FACT_PROJECT_LOST,           /* */
    FACT_PROJECT_START_FAILED,   /* c why */
    FACT_PROJECT_STOP_FAILED,    /* c */
    FACT_PROJECT_RESTART_FAILED, /* c */
    FACT_PROJECT_AGENT_WENT,     /* */
    FACT_PROJECT_UNENDED,        /* */
    FACT_PROJECT_UNANSWERED,     /* */
    FACT_PROJECT_STOPS_AGAIN,    /* */
    FACT_PROJECT_LATE,           /* n0 ms */
    FACT_PROJECT_NO_BROKER,      /* */
    FACT_PROJECT_SCHEMA,         /* n0 its schema, n1 ours */
    FACT_DOCKER_SILENT,          /* */
    FACT_PROJECT_DOCKER_DOWN,    /* c why */
    FACT_PROJECT_AGENT_SILENT,   /* */
    FACT_PROJECT_MISSING,        /* t0 container */
    FACT_PROJECT_RESTARTS,       /* t0 container */
    FACT_PROJECT_UNHEALTHY,      /* t0 container */
    FACT_PROJECT_SITE_FAILS,     /* c the check */
    FACT_PROJECT_SITE_SILENT,    /* */

    /* Why a check does not pass; in the order of enum fault_code. s server, w check, n0 a number */
    FACT_CHECK_SILENT,
    FACT_CHECK_REFUSED,
    FACT_CHECK_STATUS,
    FACT_CHECK_SLOW,
    FACT_CHECK_CLOSED,
    FACT_CHECK_UNRESOLVED,
    FACT_CHECK_SELF_SIGNED,
    FACT_CHECK_UNTRUSTED,
    FACT_CHECK_EXPIRED,
    FACT_CHECK_NOT_YET_VALID,
    FACT_CHECK_WRONG_NAME,
    FACT_CHECK_BAD_CERTIFICATE,
    FACT_CHECK_CA_FILE,
    FACT_CHECK_NO_TLS,
    FACT_CHECK_UNABLE,
    FACT_CHECK_NO_AGENT,

    /* Why an agent refuses to let its machine sleep. */
    FACT_VETO_UNKNOWN,           /* t0 the veto, c why it is not known */
    FACT_VETO_MORE,              /* t0 the veto, n0 how many more */
    FACT_VETO_LATE,              /* */
    FACT_VETO_SESSION,           /* t0 user, t1 seat or "" */
    FACT_VETO_REMOTE_SESSION,    /* t0 user, t1 from or "" */
    FACT_VETO_INHIBITOR,         /* t0 who, t1 why */
    FACT_VETO_IDLE_INHIBITOR,    /* t0 who, t1 why */
    FACT_VETO_CONNECTION,        /* n0 port, t0 from, n1 bytes of the last minute */
    FACT_VETO_CONNECTION_QUIET,  /* n0 port, t0 from, n1 ms */
    FACT_VETO_CONNECTION_PACKET, /* n0 port, t0 from, n1 ms since its last packet */
    FACT_VETO_PROCESS,           /* t0 name */
    FACT_VETO_LOAD,              /* n0 load, n1 limit, both in hundredths */
    FACT_VETO_NETWORK,           /* n0 rate, n1 limit, bytes a second */
    FACT_VETO_DISK,              /* likewise */
    FACT_VETO_COMMAND,           /* t0 command */
    FACT_VETO_CONTAINER,         /* t0 container */
    FACT_VETO_TERMINAL,          /* t0 what runs, t1 in what */
    FACT_VETO_COPY,              /* t0 program */
    FACT_VETO_PACKAGE,           /* t0 program */
    FACT_VETO_PACKAGE_LOCK,      /* t0 file */
    FACT_VETO_JOB,               /* t0 unit, t1 its state, or "" */
    FACT_VETO_GUEST,             /* t0 name, t1 kind */
    FACT_VETO_EXEC,              /* t0 what runs, t1 container, or "" */
    FACT_VETO_SHARE,             /* t0 client, t1 protocol */
    FACT_VETO_SHARE_UNSEEN,      /* likewise */
    FACT_VETO_PROCESSOR,         /* n0 busy, n1 limit, both in hundredths */

    /* Why an agent does not do what it is told: the command itself, */
    FACT_AGENT_BAD_ID,         /* n0 bytes at most */
    FACT_AGENT_BAD_ACTION,     /* t0 what it says, or "" */
    FACT_AGENT_BAD_FORCE,      /* t0 its type */
    FACT_AGENT_BAD_ASKED,      /* t0 its type */
    FACT_AGENT_BAD_IDLE,       /* n0 seconds at most */
    FACT_AGENT_BAD_EXPIRES,    /* n0 now */
    FACT_AGENT_BAD_CONTAINERS, /* n0 names at most */
    FACT_AGENT_BAD_CONTAINER,
    FACT_AGENT_BAD_PROJECT,
    FACT_AGENT_NO_TARGET, /* t0 action */
    FACT_AGENT_EXPIRED,   /* n0 when, n1 now */
    FACT_AGENT_RETAINED,
    FACT_AGENT_REPEATED,
    FACT_AGENT_NOT_ALLOWED, /* t0 action */
    /* its machine, */
    FACT_AGENT_BUSY,
    FACT_AGENT_OVERTAKEN,
    FACT_AGENT_GOING_DOWN,
    FACT_AGENT_CANNOT, /* t0 action, c why */
    FACT_AGENT_NO_RIGHT,
    FACT_AGENT_NO_BROKER,
    FACT_AGENT_UNHEARD,
    FACT_AGENT_STILL_AWAKE,
    FACT_LOGIND_ABSENT,
    FACT_LOGIND_SILENT,
    FACT_LOGIND_SAYS, /* t0 */
    FACT_LOGIND_ODD,
    FACT_LOGIND_NO_RIGHT, /* t0 action */
    FACT_LOGIND_UNABLE,
    FACT_LOGIND_BLOCKED,
    FACT_LOGIND_NO_BUS, /* t0 the system's word for it */
    /* its containers. */
    FACT_CONTAINERS_OFF,
    FACT_CONTAINERS_FULL,
    FACT_CONTAINERS_TAKEN,
    FACT_CONTAINERS_NONE,
    FACT_CONTAINERS_FAILED, /* t0 why */
    FACT_ENGINE_DENIED,     /* t0 socket; so all of these */
    FACT_ENGINE_NO_SOCKET,
    FACT_ENGINE_NOBODY,
    FACT_ENGINE_LATE,
    FACT_ENGINE_TOO_LONG,
    FACT_ENGINE_ODD,
    FACT_ENGINE_CUT,
    FACT_ENGINE_FAILED,     /* t1 the system's word for it */
    FACT_ENGINE_STATUS,     /* t1 its words, n0 status */
    FACT_CONTAINER_MISSING, /* t0 container */
    FACT_CONTAINER_GONE,    /* t0 container */
    FACT_CONTAINER_LATE,    /* w enum project_verb, t0 container */
    FACT_CONTAINER_CUT,     /* w enum project_verb, t0 container, t1 the system's word for it */
    FACT_CONTAINER_REFUSED, /* w enum project_verb, t0 container, t1 Docker's words, n0 status */

    /* Why an agent's check could not look. */
    FACT_LOOK_UNREADABLE, /* t0 file */
    FACT_LOOK_MEASURING,  /* n0 ms */
    FACT_LOOK_HIDDEN,
    FACT_LOOK_NO_TCP_DIAG,
    FACT_LOOK_NO_SOCKETS,   /* t0 the system's word for it */
    FACT_LOOK_NO_FORWARDED, /* likewise */
    FACT_LOOK_NO_CAPABILITY,
    FACT_LOOK_STATUS,   /* n0 exit status */
    FACT_LOOK_TOO_MANY, /* n0 at most */
    FACT_LOOK_NO_UNITS,

    /* Hall itself. */
    FACT_CONFIG_PROBLEM,   /* t0 */
    FACT_CONFIG_LAST_GOOD, /* t0 where its first error is, n0 how many more, n1 when kept */
    FACT_CONFIG_KEPT,      /* t0 where its first error is, n0 how many more */
    FACT_CONFIG_LOADED,    /* t0 file */
    FACT_STORE_PROBLEM,    /* t0 */
    FACT_STORE_REPAIRED,   /* */
    FACT_STORE_SALVAGED,   /* t0 file, n0 records, c more of it */
    FACT_STORE_LOST,       /* t0 file, c more of it */
    FACT_STORE_COPIED,     /* t0 copy, n0 rows, c more of it */
    FACT_STORE_HISTORY,    /* t0 file, n0 entries, n1 pages lost, c more of it */
    FACT_CLOCK_WAITS,      /* in the order of enum clock_verdict */
    FACT_CLOCK_EARLY,
    FACT_CLOCK_BACK,
    FACT_CLOCK_STOOD,
    FACT_CLOCK_APART,
    FACT_CLOCK_PLAUSIBLE,
    FACT_ACCESS_REFUSED,      /* s site, t0 from, or "", c guard */
    FACT_ACCESS_REFUSED_PATH, /* t0 from, t1 path and why; of a login too */
    FACT_ACCESS_DENIED,       /* t0 from, t1 path, c why */

    /* Why a request is refused; the first in the order of enum request_fault, */
    FACT_REQUEST_DOUBLED,
    FACT_REQUEST_BODY,
    FACT_REQUEST_LENGTH,
    FACT_REQUEST_TOO_LONG, /* n0 bytes at most */
    FACT_REQUEST_HEADERS,  /* n0 lines at most */
    FACT_REQUEST_LINE,
    FACT_REQUEST_HOST,
    FACT_REQUEST_PATH,
    FACT_REQUEST_DOUBTFUL,
    FACT_REQUEST_TWO_HOSTS,
    FACT_REQUEST_BAD_METHOD,
    FACT_REQUEST_FORWARDED_FOR,
    FACT_REQUEST_UNTRUSTED,
    FACT_REQUEST_BROKEN,
    FACT_REQUEST_HEAD, /* n0 KB at most */
    FACT_REQUEST_VERSION,
    FACT_REQUEST_NO_PATH,
    FACT_REQUEST_METHOD, /* t0 those allowed */
    /* by whom it comes, */
    FACT_ACCESS_ADDRESS,
    FACT_ACCESS_CLIENT,
    FACT_ACCESS_ASTRAY, /* s the site that host and path name, t0 where the proxy leads, or "" */
    FACT_ACCESS_ORIGIN,
    FACT_ACCESS_PROXIED,
    FACT_ACCESS_ADMIN_ADDRESS,
    FACT_ACCESS_ADMIN_HOST,
    FACT_ACCESS_LOGIN,
    FACT_ACCESS_TOKEN,
    FACT_ACCESS_KEY,
    FACT_ACCESS_NO_KEY,
    FACT_ACCESS_MONITOR,     /* why a visit wakes nothing */
    FACT_ACCESS_WAKE_CLICK,  /* so too */
    FACT_ACCESS_WAKE_PERSON, /* so too */
    FACT_ACCESS_MORE,        /* too many reasons to tell each */
    /* what it asks for; */
    FACT_SITE_UNKNOWN_HOST,
    FACT_SITE_UNKNOWN_PATH,
    FACT_SITE_HELPER,
    FACT_SITE_NO_UPSTREAM,
    /* in the order of enum sablier_fault. */
    FACT_SABLIER_NEITHER,
    FACT_SABLIER_BOTH,
    FACT_SABLIER_BROKEN,
    FACT_SABLIER_DURATION,
    FACT_SABLIER_TOO_MANY, /* n0 names at most */
    FACT_SABLIER_NO_NAME,  /* t0 */
    FACT_SABLIER_NO_GROUP, /* t0 */
    FACT_SABLIER_LATE,

    /* What is wrong with a command: its payload, */
    FACT_COMMAND_EMPTY,
    FACT_COMMAND_NO_TOPIC,
    FACT_COMMAND_WORD,    /* t0 what it says, t1 the actions allowed; so up to HOLD */
    FACT_COMMAND_SWITCH,  /* t0 */
    FACT_COMMAND_POLICY,  /* t0 */
    FACT_COMMAND_MINUTES, /* t0, n0 minutes at most */
    FACT_COMMAND_HOLD,    /* t0 */
    /* a member of it. */
    FACT_COMMAND_NO_ACTION,   /* t0 the actions allowed */
    FACT_COMMAND_ACTION,      /* t0 what it says, t1 the actions allowed */
    FACT_COMMAND_UNKNOWN_KEY, /* t0 key, t1 the keys allowed */
    FACT_COMMAND_TEXT,        /* t0 key, t1 its type */
    FACT_COMMAND_BLANK,       /* t0 key */
    FACT_COMMAND_LENGTH,      /* t0 key, n0 its bytes, n1 bytes at most */
    FACT_COMMAND_CONTROL,     /* t0 key */
    FACT_COMMAND_FORCE,       /* t0 its type */
    FACT_COMMAND_DURATION,    /* t0 what it says */
    FACT_COMMAND_TIME,        /* t0 key, t1 what it says */
    FACT_COMMAND_EXPIRED,     /* n0 when, n1 now */
    FACT_COMMAND_OVER,        /* n0 when */
    FACT_COMMAND_FAR,         /* n0 when */
    FACT_COMMAND_FOR,         /* w enum command_action */
    FACT_COMMAND_TWO_ENDS,
    FACT_COMMAND_NO_END,

    /* Why a relay does not send a packet. t0 the relay */
    FACT_RELAY_REFUSED, /* t1 its words */
    FACT_RELAY_FAILED,  /* t1 its words */
    FACT_RELAY_SILENT,
    FACT_RELAY_NO_BROKER,
    FACT_RELAY_OFFLINE,
    FACT_RELAY_UNHEARD,
    FACT_RELAY_FULL, /* no t0 */
};
enum { FACTS = FACT_RELAY_FULL + 1, FACT_DEPTH = 4, FACT_TEXT_SIZE = 160 };

/* One code and its parameters; `text` is where its texts begin in the fact, 1 the first byte: the
 * first, its end, the second. 0: both are "". */
struct fact_part {
    uint16_t code; /* enum fact_code */
    uint8_t word;
    uint8_t text;
    int32_t subject;
    int64_t n[2];
};

/* What is said, then its cause, then the cause of that, and so on. Unused bytes are zero. */
struct fact {
    struct fact_part parts[FACT_DEPTH];
    char text[FACT_TEXT_SIZE];
};

/* FACT(WAKE_VISIT, .subject = site): a fact without texts. Where there is only a code, FACT_OF gets
 * an empty second argument: C17 asks for one. */
#define FACT(...)           FACT_OF(__VA_ARGS__, )
#define FACT_OF(code_, ...) ((struct fact){.parts = {{.code = FACT_##code_, __VA_ARGS__}}})

/* The same fact with texts; NULL or "" is none. A text that does not fit is cut between characters.
 */
struct fact fact_with(struct fact fact, const char *first, const char *second);
/* FACT_SAID with these words; FACT_NONE where there are none. */
struct fact fact_said(const char *words);
/* The same fact with a cause; of one whose sentence has no place for a cause, with another fact
 * beside it. What is deeper than there is room is left out. */
struct fact fact_because(struct fact fact, const struct fact *cause);

/* The cause alone; FACT_NONE where there is none. */
struct fact fact_cause(const struct fact *fact);

const char *fact_text(const struct fact *fact, size_t part, size_t place); /* "" where none */
/* The two texts of a part in a room that is zero from here on, each cut where the room ends. False:
 * both are "", or there is no room. */
bool fact_put_pair(char *room, size_t size, size_t at, const char *first, const char *second);
const char *fact_second(const char *room, size_t size,
                        size_t at); /* of the pair that begins here */
/* The same fact in the indexes of another model, where its names are known by id. A cause about
 * something that is not there is left out; what is itself about it is FACT_NONE. */
struct fact fact_move(const struct fact *fact, const struct model *from, const struct model *to);

/* What the subject of a code is. */
enum fact_subject { FACT_OF_NOTHING, FACT_OF_SERVER, FACT_OF_DOMAIN, FACT_OF_SITE, FACT_OF_CHECK };
enum fact_subject fact_subject(enum fact_code code);

bool fact_is_of_agent(enum fact_code code); /* what an agent says in its own codes */
bool fact_is(const struct fact *fact, enum fact_code code);
bool fact_equal(const struct fact *a, const struct fact *b);

#endif
